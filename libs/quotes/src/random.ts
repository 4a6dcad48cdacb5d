/**
 * Chance as data: a generator that gives the same numbers for the same seed, on every machine. For samples, simulated
 * insurers and simulations; never for tokens or keys, because whoever sees a few numbers can compute the rest.
 */

export interface Random {
  /** A number in [0, 1). */
  unit(): number;
  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly [T, ...T[]]): T;
  /** True in `share` of the cases: 0 never, 1 always. */
  chance(share: number): boolean;
}

/** FNV-1a over UTF-16 units with the final mixing of MurmurHash3, so that near keys give far seeds. */
const hash32 = (text: string, start: number): number => {
  let hash = start;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** FNV's offset basis, and three unrelated starts (digits of pi) for the other words of the state. */
const STARTS = [0x811c9dc5, 0x243f6a88, 0x85a308d3, 0x13198a2e] as const;

/** sfc32's author asks for twelve rounds before the first number is used. */
const WARM_UP_ROUNDS = 12;

/** `seed` may be a number or any text, such as the names of what is drawn for. The generator is sfc32. */
export const seededRandom = (seed: number | string): Random => {
  const text = String(seed);
  let a = hash32(text, STARTS[0]);
  let b = hash32(text, STARTS[1]);
  let c = hash32(text, STARTS[2]);
  let counter = hash32(text, STARTS[3]);
  const unit = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) unit();
  const integer = (min: number, max: number): number => min + Math.floor(unit() * (max - min + 1));
  return {
    unit,
    integer,
    pick: (items) => items[integer(0, items.length - 1)] ?? items[0],
    chance: (share) => unit() < share,
  };
};
