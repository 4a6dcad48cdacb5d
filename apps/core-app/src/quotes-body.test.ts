import { describe, expect, test } from '@jest/globals';
import type { OsagoEvent } from '@osago/contracts';
import { decodeCursor, fold, isVisible, type RequestState } from '@osago/quotes';
import { cursorOfEtag, isNewsTo, QuotesBodies } from './quotes-body.ts';
import type { Shown } from './showcase.ts';
import { leg, PARTITION, REQUEST_ID, submitted, TestClock, timestamp } from './testing-events.ts';

const setup = () => {
  const clock = new TestClock();
  const feed = { stale: false, isStale: (): boolean => feed.stale };
  const epoch = { epoch: 'e1' };
  return { bodies: new QuotesBodies({ epoch, feed, clock }), clock, feed, epoch };
};

/** The n-th event has offset n, in whatever topic. */
const shownOf = (...events: OsagoEvent[]): Shown => {
  const state = events.reduce<RequestState | undefined>((held, event, offset) => fold(held, event, offset), undefined);
  if (!isVisible(state)) throw new Error('the submitted event is missing');
  return { state, partition: PARTITION };
};

const asked = submitted({ alpha: 60_000, beta: 60_000 });
const priced = leg('alpha', 'quoted', { members: { premium_kopecks: 500_000, total_kopecks: 500_000 } });

describe('a price that does not hold any more', () => {
  const brief = leg('alpha', 'quoted', { members: { premium_kopecks: 1, valid_until: timestamp(5_000) } });

  test('looks so, and one who has seen it hold is told: the ETag is another', () => {
    const { bodies, clock } = setup();
    const shown = shownOf(asked, brief);
    const before = bodies.render(shown);
    clock.advance(6_000);
    const after = bodies.render(shown);
    expect([before.body.quotes[0]?.expired, after.body.quotes[0]?.expired]).toEqual([undefined, true]);
    expect([isNewsTo(before.etag, after.etag), isNewsTo(after.etag, before.etag)]).toEqual([true, false]);
  });
});

describe('the body', () => {
  test('has one quote per insurer of the panel from the first moment, and a cursor made from the log', () => {
    expect(setup().bodies.render(shownOf(asked)).body).toEqual({
      request_id: REQUEST_ID,
      revision: 1,
      status: 'in_progress',
      accepted_at: timestamp(0),
      deadline_at: timestamp(60_000),
      late_until: timestamp(180_000),
      progress: { total: 2, answered: 0, waiting: 2 },
      quotes: ['alpha', 'beta'].map((insurer_id) => ({
        insurer_id,
        name: insurer_id.toUpperCase(),
        status: 'waiting',
        final: false,
        late: false,
        attempt: 1,
        deadline_at: timestamp(60_000),
      })),
      cursor: `1_e1_${REQUEST_ID}_3_0_-1_-1_1_o`,
    });
  });

  test('says when the feed is stale, and nothing when it is not', () => {
    const { bodies, feed } = setup();
    feed.stale = true;
    expect(bodies.render(shownOf(asked)).body.feed).toBe('stale');
    feed.stale = false;
    expect(bodies.render(shownOf(asked)).body).not.toHaveProperty('feed');
  });
});

describe('the ETag', () => {
  test('is quoted and changes with each record', () => {
    const { bodies } = setup();
    const before = bodies.render(shownOf(asked)).etag;
    expect(before).toBe(`"1_e1_${REQUEST_ID}_3_0_-1_-1_1_o.0o"`);
    expect(bodies.render(shownOf(asked, priced)).etag).not.toBe(before);
  });

  test('changes when the clock ends a leg, and again when nothing more can come', () => {
    const { bodies, clock } = setup();
    const shown = shownOf(asked, priced);
    const open = bodies.render(shown).etag;
    clock.advance(61_000);
    const timedOut = bodies.render(shown).etag;
    clock.advance(120_000);
    const closed = bodies.render(shown).etag;
    expect([open, timedOut, closed].map((etag) => etag.slice(-4))).toEqual(['.0o"', '.1o"', '.1e"']);
  });

  test('is news to one who has another cursor, or saw the clock end less', () => {
    const [zero, one, over, other] = ['"c.0o"', '"c.1o"', '"c.1e"', '"d.0o"'] as const;
    expect([one, over, other, ''].filter((etag) => isNewsTo(zero, etag))).toEqual([one, over, other, '']);
    expect([zero, one, over, other].filter((etag) => isNewsTo(over, etag))).toEqual([other]);
    expect([zero, one, over].filter((etag) => isNewsTo('W/"c.1o"', etag))).toEqual([over]);
    expect(['', '*', '"of somebody else"'].every((known) => isNewsTo(known, zero))).toBe(true);
  });

  test('does not count a timeout of the log as one of the clock', () => {
    const { bodies, clock } = setup();
    clock.advance(61_000);
    const { etag } = bodies.render(shownOf(asked, priced, leg('beta', 'timeout', { fence: 0, step: 0 })));
    expect(etag).toMatch(/\.0o"$/);
  });

  test('does not change because the feed is stale', () => {
    const { bodies, feed } = setup();
    const { etag } = bodies.render(shownOf(asked));
    feed.stale = true;
    expect(bodies.render(shownOf(asked)).etag).toBe(etag);
  });

  test('is a cursor too, weak or strong', () => {
    const { body, etag } = setup().bodies.render(shownOf(asked, priced));
    expect(cursorOfEtag(etag)).toBe(body.cursor);
    expect(cursorOfEtag(`W/${etag}`)).toBe(body.cursor);
    expect(decodeCursor(cursorOfEtag('"of somebody else"'))).toBeUndefined();
  });
});

describe('a cursor', () => {
  test('counts in its own epoch and for its own request only', () => {
    const { bodies, epoch } = setup();
    const cursor = decodeCursor(bodies.cursor(shownOf(asked)));
    expect(bodies.isCurrent(cursor, REQUEST_ID)).toBe(true);
    expect(bodies.isCurrent(cursor, 'another')).toBe(false);
    expect(bodies.isCurrent(undefined, REQUEST_ID)).toBe(false);
    epoch.epoch = 'e2';
    expect(bodies.isCurrent(cursor, REQUEST_ID)).toBe(false);
  });

  test('has the end mark only where it is asked for', () => {
    const { bodies } = setup();
    const finished = shownOf(asked, priced, leg('beta', 'declined'));
    expect(decodeCursor(bodies.render(finished).body.cursor)?.end).toBe(false);
    expect(decodeCursor(bodies.cursor(finished, true))?.end).toBe(true);
  });
});
