/** The body of `GET …/quotes` and of the stream's snapshot, its cursor and its ETag, at one moment on one pod. */
import type { QuotesBody } from '@osago/contracts';
import { cursorOf, type Cursor, encodeCursor, isClosed, view, type View } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import type { PlatformEpoch } from './platform-epoch.ts';
import type { ShowcaseFeed } from './showcase-feed.ts';
import type { Shown } from './showcase.ts';

export interface Rendered {
  view: View;
  body: QuotesBody;
  etag: string;
}

export class QuotesBodies {
  readonly #epoch: Pick<PlatformEpoch, 'epoch'>;
  readonly #feed: Pick<ShowcaseFeed, 'isStale'>;
  readonly #clock: Clock;

  constructor(deps: {
    epoch: Pick<PlatformEpoch, 'epoch'>;
    feed: Pick<ShowcaseFeed, 'isStale'>;
    clock: Clock;
  }) {
    this.#epoch = deps.epoch;
    this.#feed = deps.feed;
    this.#clock = deps.clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  isStale(): boolean {
    return this.#feed.isStale();
  }

  cursor({ state, partition }: Shown, end = false): string {
    return encodeCursor(cursorOf(state, { epoch: this.#epoch.epoch, partition }, end));
  }

  /** True for a cursor of this request in this epoch: any other counts as none. */
  isCurrent(cursor: Cursor | undefined, requestId: string): cursor is Cursor {
    return cursor?.epoch === this.#epoch.epoch && cursor.request_id === requestId;
  }

  render(shown: Shown): Rendered {
    const nowMs = this.nowMs();
    const shownView = view(shown.state, nowMs);
    const cursor = this.cursor(shown);
    const byClock = shownView.quotes.filter(
      ({ expired, insurer_id, status }) =>
        expired === true || (status === 'timeout' && shown.state.legs[insurer_id]?.status !== 'timeout'),
    ).length;
    const end = isClosed(shownView, nowMs) ? 'e' : 'o';
    return {
      view: shownView,
      body: { ...shownView, cursor, ...(this.isStale() && { feed: 'stale' as const }) },
      etag: `"${cursor}.${byClock}${end}"`,
    };
  }
}

const ETAG = /^(?:W\/)?"(.*)\.(\d+)([eo])"$/;

/** The cursor in an ETag of ours; nothing in any other. */
export const cursorOfEtag = (etag: string): string => ETAG.exec(etag)?.[1] ?? '';

/**
 * Whether an answer with this ETag is news to one who has `known`. Two with the same cursor differ by the clock alone, and
 * the clocks of two pods do a little, too: then only the later one is.
 */
export const isNewsTo = (known: string, etag: string): boolean => {
  const [, cursor, byClock, end] = ETAG.exec(etag) ?? [];
  const [, knownCursor, knownByClock, knownEnd] = ETAG.exec(known) ?? [];
  if (cursor !== knownCursor) return true;
  return Number(byClock) > Number(knownByClock) || (byClock === knownByClock && end === 'e' && knownEnd === 'o');
};
