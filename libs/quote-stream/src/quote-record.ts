/**
 * What one tab knows of its request: the view, and the cursors that say how far it is. Only the server can compare
 * cursors, so two tabs are brought together by equality: a tab that has passed a cursor is at least there.
 */
import { RESTART_MS_MAX } from './pace.ts';
import type { Seen } from './quotes-call.ts';
import { CONNECTING, mayAnswerLate, type QuoteView, reduceView, type ViewNews } from './quote-view.ts';

/** What a tab tells the others. */
export interface RecordState {
  view: QuoteView;
  seen: Seen;
  heardAtMs: number;
}

/** Of the reply to a retry: where the request goes on. */
export interface Restart {
  cursor: string;
  revision: number;
}

/** A request of ten insurers passes about forty. */
const PASSED_MAX = 256;

export class QuoteRecord {
  #view: QuoteView = CONNECTING;
  #seen: Seen = {};
  /** A retry that is not shown yet. */
  #awaited: (Restart & { untilMs: number }) | undefined;
  /** When the server last said how things are. */
  #heardAtMs = Number.NEGATIVE_INFINITY;
  readonly #passed = new Set<string>();
  readonly #onNews: () => void;

  constructor(onNews: () => void) {
    this.#onNews = onNews;
  }

  get view(): QuoteView {
    return this.#view;
  }

  get seen(): Seen {
    return this.#seen;
  }

  get awaited(): Restart | undefined {
    return this.#awaited;
  }

  get state(): RecordState {
    return { view: this.#view, seen: this.#seen, heardAtMs: this.#heardAtMs };
  }

  /** True when nothing more can come: a missing insurer is out only when the server was heard after its last moment. */
  isOver(): boolean {
    if (this.#view.phase === 'lost') return true;
    return (
      this.#view.phase === 'ended' && this.#awaited === undefined && !mayAnswerLate(this.#view, this.#heardAtMs)
    );
  }

  hasPassed(cursor: string | undefined): boolean {
    return cursor === undefined || this.#passed.has(cursor);
  }

  /** `seen` is left out by news that carries no cursor. */
  learn(news: ViewNews, heardAtMs?: number, seen?: Seen): void {
    this.#view = reduceView(this.#view, news);
    if (heardAtMs !== undefined) this.#heardAtMs = heardAtMs;
    if (seen !== undefined) this.#pass(seen);
    this.#settle();
    this.#onNews();
  }

  /** From a tab that has passed all that this one has seen. */
  adopt({ view, seen, heardAtMs }: RecordState): void {
    this.#view = view;
    this.#heardAtMs = heardAtMs;
    this.#pass(seen);
    this.#settle();
  }

  restart(restart: Restart, nowMs: number): void {
    this.#awaited = { ...restart, untilMs: nowMs + RESTART_MS_MAX };
    this.learn({ kind: 'restarted' });
  }

  /** Until an awaited retry has come, an end that is heard is the one before it. */
  #settle(): void {
    const awaited = this.#awaited;
    if (awaited === undefined) return;
    const hasCome = (this.#view.body?.revision ?? 0) >= awaited.revision;
    if (hasCome || this.#heardAtMs > awaited.untilMs) this.#awaited = undefined;
    else this.#view = reduceView(this.#view, { kind: 'restarted' });
  }

  #pass(seen: Seen): void {
    this.#seen = seen;
    if (seen.cursor === undefined) return;
    this.#passed.add(seen.cursor);
    const [oldest] = this.#passed;
    if (this.#passed.size > PASSED_MAX && oldest !== undefined) this.#passed.delete(oldest);
  }
}
