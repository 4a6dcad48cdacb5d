/** Many lives, each from its own seed, judged by the laws. */
import { simulate } from './simulation.ts';
import { LAWS } from './simulation-laws.ts';
import { type Law, lifeOf } from './simulation-life.ts';

/** What the laws find in the lives of these seeds; every line names the seed that shows it again. */
export const breachesIn = (seeds: Iterable<number>, laws: Readonly<Record<string, Law>> = LAWS): Map<string, string[]> => {
  const found = new Map<string, string[]>(Object.keys(laws).map((name) => [name, []]));
  for (const seed of seeds) {
    const life = lifeOf(simulate(seed));
    for (const [name, law] of Object.entries(laws)) {
      found.get(name)?.push(...law(life).map((breach) => `seed ${seed}: ${breach}`));
    }
  }
  return found;
};

export function* seedsFrom(first: number, count: number, step = 1): Generator<number> {
  for (let seed = first; seed < first + count; seed += step) yield seed;
}
