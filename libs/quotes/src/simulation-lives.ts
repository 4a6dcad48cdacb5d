/** Many lives, each from its own seed, judged by the laws. */
import { simulate } from './simulation.ts';
import { LAWS } from './simulation-laws.ts';
import { type Law, lifeOf } from './simulation-life.ts';
import type { Trace } from './simulation-trace.ts';

/** What the laws find in the lives of these seeds; every line names the seed that shows it again. */
export const breachesIn = (seeds: Iterable<number>, laws: Readonly<Record<string, Law>> = LAWS): Map<string, string[]> => {
  const found = new Map<string, string[]>(Object.keys(laws).map((name) => [name, []]));
  for (const seed of seeds) {
    for (const [name, breaches] of judged(simulate(seed), laws)) {
      found.get(name)?.push(...breaches.map((breach) => `seed ${seed}: ${breach}`));
    }
  }
  return found;
};

const judged = (trace: Trace, laws: Readonly<Record<string, Law>>): (readonly [name: string, breaches: readonly string[]])[] => {
  const life = lifeOf(trace);
  return Object.entries(laws).map(([name, law]) => [name, law(life)] as const);
};

/** The same life as often as it has steps, each time with a crash at another one. */
export const breachesAtEachStep = (seed: number, laws: Readonly<Record<string, Law>> = LAWS): { steps: number; breaches: string[] } => {
  // With a crash before the first step nobody ever dies.
  const { steps } = simulate(seed, { crashAtStep: 0 });
  const breaches = Array.from({ length: steps }, (_, at) => at + 1).flatMap((crashAtStep) =>
    judged(simulate(seed, { crashAtStep }), laws).flatMap(([name, found]) =>
      found.map((breach) => `seed ${seed}, crash at step ${crashAtStep}: ${breach} (${name})`),
    ),
  );
  return { steps, breaches };
};

export function* seedsFrom(first: number, count: number, step = 1): Generator<number> {
  for (let seed = first; seed < first + count; seed += step) yield seed;
}
