/**
 * Thousands of simulated lives of a request. A breach names its seed; to live that one again:
 * `SIMULATION_SEED=<seed> SIMULATION_RUNS=1` and this file (README). The long lane sets a greater SIMULATION_RUNS.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { isLegEvent, type LegEvent } from '@osago/contracts';
import { simulate } from './simulation.ts';
import { breachesOf, LAW_NAMES, type LawName, lifeOf } from './simulation-laws.ts';
import { entriesOf, type Trace } from './simulation-trace.ts';

const RUNS = Number(process.env['SIMULATION_RUNS'] ?? 2_000);
const FIRST_SEED = Number(process.env['SIMULATION_SEED'] ?? 1);
/** A life takes a third of a millisecond; this is for a busy machine in the long lane. */
const TIMEOUT_MS = 10_000 + RUNS * 10;
/** So many breaches of one law say enough. */
const SHOWN_MAX = 10;

describe('a simulated life', () => {
  const found = new Map<LawName, string[]>(LAW_NAMES.map((name) => [name, []]));

  beforeAll(() => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
      const breaches = breachesOf(simulate(seed));
      for (const name of LAW_NAMES) {
        found.get(name)!.push(...breaches[name].map((breach) => `seed ${seed}: ${breach}`));
      }
    }
  }, TIMEOUT_MS);

  test.each(LAW_NAMES)('%s', (name) => {
    expect(found.get(name)!.slice(0, SHOWN_MAX)).toEqual([]);
  });
});

describe('the simulation', () => {
  test('lives the same life again from the same seed', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      expect(JSON.stringify(simulate(seed))).toBe(JSON.stringify(simulate(seed)));
    }
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
    Math.max(0, ...entriesOf(trace, 'resumed').map((entry) => (entry.atMs <= atMs ? entry.fence : 0)));

  const corners: Record<string, (trace: Trace) => boolean> = {
    crashes: (trace) => entriesOf(trace, 'crashed').length > 0,
    'several crashes': (trace) => entriesOf(trace, 'crashed').length > 2,
    'an answer of a zombie': (trace) =>
      legEventsOf(trace).some(
        ({ atMs, event: { data } }) => data.status === 'quoted' && data.fence < fenceAt(trace, atMs),
      ),
    'a POST in doubt': (trace) =>
      entriesOf(trace, 'resumed').some(({ run }) => run.legs.some(({ phase }) => phase.kind === 'post-due')),
    'an outcome published again by the next holder': (trace) =>
      entriesOf(trace, 'resumed').some(({ effects }) => effects.length > 0),
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

  test.each(Object.keys(corners))('has lives with %s', (corner) => {
    const seeds = Array.from({ length: 1_000 }, (_, seed) => `corner ${seed}`);
    expect(seeds.some((seed) => corners[corner]!(simulate(seed)))).toBe(true);
  });
});
