/** The views in SQL against fold and view of libs/quotes, over lives made by chance. */
import { describe, expect, it } from '@jest/globals';
import type { PublishedStatus } from '@osago/contracts';
import { isVisible, seededRandom, view } from '@osago/quotes';
import { decodeRecord, foldAll, type LoggedEvent } from './logged-event.ts';
import { at, cancelled, givenLog, type GivenLog, leg, retryAsked, stamp, submitted } from './replay-given.ts';
import { duckOverTopics, readyQuestions } from './sql.ts';

const INSURERS = ['alfa', 'beta', 'gamma', 'delta'];
const STATUSES: readonly PublishedStatus[] = ['submitted', 'estimated', 'quoted', 'declined', 'needs_data', 'error', 'timeout', 'skipped'];
const REQUESTS = 400;
const SOME_RETRIES = 2;
const LEGS_MAX = 16;

/** In any order, repeated, from zombies with other fences: whatever the fold has to bear. */
const writeLives = (log: GivenLog): string[] => {
  const random = seededRandom('lives for the views');
  const whole = (below: number): number => Math.floor(random.unit() * below);
  return Array.from({ length: REQUESTS }, (_, number) => {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    const partition = number % 4;
    const events = [submitted(INSURERS, { id })];
    let revision = 1;
    for (let retry = 0; retry < whole(SOME_RETRIES + 1); retry += 1) {
      revision += 1;
      events.push(retryAsked(INSURERS[whole(4)]!, { revision, attempt: 2 + retry, afterMs: whole(90_000), id }));
    }
    if (random.chance(0.3)) events.push(cancelled(revision + 1, whole(90_000), id));
    for (let count = whole(LEGS_MAX); count > 0; count -= 1) {
      const status = STATUSES[whole(STATUSES.length)]!;
      const price = status === 'quoted' || status === 'estimated' ? { premium_kopecks: 1_000 + whole(9_000), total_kopecks: 1_000 + whole(9_000) } : {};
      const members = { ...price, ...(random.chance(0.5) && { answered_at: stamp(whole(60_000)) }) };
      // One id is one content: no step comes twice. They come in any order.
      const step = whole(9) * LEGS_MAX + count;
      const sketch = { id, attempt: 1 + whole(3), fence: whole(3), step, late: random.chance(0.2), members };
      events.push(leg(INSURERS[whole(4)]!, status, { ...sketch, afterMs: whole(60_000) }));
    }
    for (const event of events.filter((_, at) => at === 0 || random.chance(0.9))) log.write(100, event, partition);
    return id;
  });
};

const shownByFold = (log: GivenLog, nowMs: number) => {
  const decoded = log.records().map(decodeRecord).flatMap((each) => (each.ok ? [each.logged] : []));
  const byRequest = Map.groupBy(decoded, ({ event }: LoggedEvent) => event.data.request_id);
  return [...byRequest.values()].map(foldAll).filter(isVisible).map((state) => view(state, nowMs));
};

describe('the views in SQL', () => {
  it.each([30_000, 61_000, 200_000])('say the same as fold and view, %i ms after', async (afterMs) => {
    const log = givenLog();
    const ids = writeLives(log);
    const shown = shownByFold(log, at(afterMs));
    const duck = await duckOverTopics(log, { fromMs: 0 }, at(afterMs));
    const legs = await duck.ask(
      `SELECT request_id, insurer_id, status, final, late, attempt, epoch_ms(deadline_at), premium_kopecks, total_kopecks
       FROM legs ORDER BY request_id, position`,
    );
    const expected = shown
      .sort((a, b) => (a.request_id < b.request_id ? -1 : 1))
      .flatMap(({ request_id, quotes }) =>
        quotes.map(({ insurer_id, status, final, late, attempt, deadline_at, premium_kopecks = null, total_kopecks = null }) =>
          [request_id, insurer_id, status, final, late, attempt, Date.parse(deadline_at), premium_kopecks, total_kopecks]),
      );
    expect(legs.rows).toEqual(expected);
    const requests = await duck.ask('SELECT request_id, status, revision, answered FROM requests ORDER BY request_id');
    expect(requests.rows).toEqual(shown.map(({ request_id, status, revision, progress }) => [request_id, status, revision, progress.answered]));
    expect(requests.rows).toHaveLength(ids.length);
    await duck.close();
  });

  it('answer every ready question', async () => {
    const log = givenLog();
    writeLives(log);
    const duck = await duckOverTopics(log, { fromMs: 0 }, at(200_000));
    for (const { name, says, sql } of await readyQuestions()) {
      const { columns, rows } = await duck.ask(sql);
      expect({ name, says: says.length > 10, columns: columns.length > 1, rows: rows.length > 0 }).toEqual({ name, says: true, columns: true, rows: true });
    }
    await duck.close();
  });

  it('refuse what is no SQL in words', async () => {
    const duck = await duckOverTopics(givenLog(), { fromMs: 0 }, at(0));
    await expect(duck.ask('selec 1')).rejects.toMatchObject({ name: 'ReplayError', message: expect.stringContaining('syntax error') });
    await duck.close();
  });
});
