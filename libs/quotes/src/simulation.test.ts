/**
 * Thousands of simulated lives of a request. A breach names its seed: `npm run simulate -- --seed <seed> --tell` shows that
 * life again. Millions: `npm run simulate -- --lives 1000000`.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { isLegEvent, type LegEvent } from '@osago/contracts';
import { simulate } from './simulation.ts';
import { LAW_NAMES } from './simulation-laws.ts';
import { lifeOf } from './simulation-life.ts';
import { breachesAtEachStep, breachesIn, seedsFrom } from './simulation-lives.ts';
import { entriesOf, type Trace } from './simulation-trace.ts';

const RUNS = 2_000;
const FIRST_SEED = 1;
/** A life takes about two milliseconds; this is for a busy machine. */
const TIMEOUT_MS = 30_000 + RUNS * 20;
/** So many breaches of one law say enough. */
const SHOWN_MAX = 10;

describe('a simulated life', () => {
  let found: Map<string, string[]>;

  beforeAll(() => {
    found = breachesIn(seedsFrom(FIRST_SEED, RUNS));
  }, TIMEOUT_MS);

  test.each(LAW_NAMES)('%s', (name) => {
    expect(found.get(name)?.slice(0, SHOWN_MAX)).toEqual([]);
  });
});

/** A life has some hundred steps: before a step is stored, after it, between two effects, after a publish, after a claim. */
test.each([3, 7, 8, 10, 17])('a crash at any step of a life breaks no law: seed %s', (seed) => {
  const { steps, breaches } = breachesAtEachStep(seed);
  expect(steps).toBeGreaterThan(100);
  expect(breaches.slice(0, SHOWN_MAX)).toEqual([]);
}, TIMEOUT_MS);

describe('the simulation', () => {
  test('lives the same life again from the same seed', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      expect(JSON.stringify(simulate(seed))).toBe(JSON.stringify(simulate(seed)));
    }
  });

  test('names the seed of a breach', () => {
    const found = breachesIn([3, 4], { 'has one entry only': ({ trace }) => (trace.seed === 3 ? ['has more'] : []) });
    expect([...found]).toEqual([['has one entry only', ['seed 3: has more']]]);
  });

  test('lives another life from another seed', () => {
    const lives = Array.from({ length: 20 }, (_, seed) => JSON.stringify(simulate(seed).entries));
    expect(new Set(lives).size).toBe(lives.length);
  });

  const inputsOf = (trace: Trace): string[] =>
    entriesOf(trace, 'stepped').map(({ input }) => (input.kind === 'replied' ? input.reply.kind : input.kind));
  const legEventsOf = (trace: Trace): { atMs: number; event: LegEvent }[] =>
    entriesOf(trace, 'recorded').flatMap(({ atMs, record: { event } }) =>
      isLegEvent(event) ? [{ atMs, event }] : [],
    );
  /** The fence of the newest holder at that moment. */
  const fenceAt = (trace: Trace, atMs: number): number =>
    Math.max(0, ...entriesOf(trace, 'began').map((entry) => (entry.atMs <= atMs ? entry.fence : 0)));
  const began = (trace: Trace) => entriesOf(trace, 'began');
  const redis = (trace: Trace): string[] => entriesOf(trace, 'redis').map(({ what }) => what);

  const corners: Record<string, (trace: Trace) => boolean> = {
    crashes: (trace) => entriesOf(trace, 'crashed').length > 0,
    'several crashes': (trace) => entriesOf(trace, 'crashed').length > 2,
    'an answer of a zombie': (trace) =>
      legEventsOf(trace).some(
        ({ atMs, event: { data } }) => data.status === 'quoted' && data.fence < fenceAt(trace, atMs),
      ),
    'a POST in doubt': (trace) =>
      began(trace).slice(1).some(({ run }) => run.legs.some(({ phase }) => phase.kind === 'post-due')),
    'an outcome published again by the next holder': (trace) => began(trace).some(({ effects }) => effects.length > 0),
    'an heir that never saw the record': (trace) => began(trace).some(({ how }) => how === 'heir'),
    'an heir that polls on': (trace) =>
      began(trace).some(({ how, run }) => how === 'heir' && run.legs.some(({ phase }) => phase.kind === 'poll-due')),
    'an owner that has its run driven by another pod': (trace) => {
      const [owner, driver] = [entriesOf(trace, 'owns').at(-1), began(trace).at(-1)];
      return owner !== undefined && driver !== undefined && owner.pod !== driver.pod && owner.atMs > driver.atMs;
    },
    'a pod that stands still and goes on': (trace) => entriesOf(trace, 'paused').length > 0 && entriesOf(trace, 'superseded').length > 0,
    'a pod that stops driving without a lease': (trace) => entriesOf(trace, 'dropped').length > 0,
    'Redis emptied': (trace) => redis(trace).includes('flushed'),
    'Redis failed over': (trace) => redis(trace).includes('failed over'),
    'Redis away': (trace) => redis(trace).includes('away'),
    'an answer of Redis that does not come': (trace) => redis(trace).includes('reply lost'),
    'a timeout of the partition owner': (trace) =>
      legEventsOf(trace).some(({ event }) => event.data.fence === 0),
    'a publish that fails': (trace) => entriesOf(trace, 'publish-failed').length > 0,
    'a record written twice': (trace) => {
      const ids = legEventsOf(trace).map(({ event }) => event.id);
      return new Set(ids).size < ids.length;
    },
    'a late answer in the end': (trace) => lifeOf(trace).shown.quotes.some(({ late }) => late),
    'a cancelled request': (trace) => lifeOf(trace).shown.status === 'cancelled',
    'a completed request': (trace) => lifeOf(trace).shown.status === 'completed',
    'a partial request': (trace) => lifeOf(trace).shown.status === 'partial',
    'a third attempt': (trace) => lifeOf(trace).asked.some(({ attempt }) => attempt === 3),
    'a retry after a cancel': (trace) => {
      const { asked, state } = lifeOf(trace);
      return state.cancels.some((cancel) => asked.some(({ revision }) => revision > cancel.revision));
    },
  };
  const inputs = [
    ...(['accepted', 'pending', 'unknown', 'estimated', 'quoted', 'declined', 'needs_data'] as const),
    ...(['failed', 'skipped', 'fault', 'cancelled', 'retry-asked', 'acked'] as const),
  ];
  for (const input of inputs) corners[`${input} as an input`] = (trace) => inputsOf(trace).includes(input);

  const missing = new Set(Object.keys(corners));

  beforeAll(() => {
    for (let seed = 0; seed < 3_000 && missing.size > 0; seed += 1) {
      const trace = simulate(`corner ${seed}`);
      for (const corner of missing) if (corners[corner]!(trace)) missing.delete(corner);
    }
  }, TIMEOUT_MS);

  test.each(Object.keys(corners))('has lives with %s', (corner) => {
    expect(missing).not.toContain(corner);
  });
});
