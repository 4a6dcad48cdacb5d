/**
 * Number plates of the Russian Federation by GOST R 50577-2018, in the twelve Cyrillic letters that look Latin. A
 * region has two or three digits; which of them exist changes too often to be held against anybody.
 */

const L = '[АВЕКМНОРСТУХ]';
const REGION = '(?!0+$)\\d{2,3}';
const THREE = '(?!000)\\d{3}';
const FOUR = '(?!0000)\\d{4}';

const SHAPES = {
  /** Type 1 and 1A. */
  car: `${L}${THREE}${L}{2}${REGION}`,
  /** Type 1B: taxis and buses. */
  taxi: `${L}{2}${THREE}${REGION}`,
  motorcycle: `${FOUR}${L}{2}${REGION}`,
  trailer: `${L}{2}${FOUR}${REGION}`,
  /** On the way to its registration. */
  transit: `${L}{2}${THREE}${L}${REGION}`,
  /** Leaves the country for good. */
  outgoing: `Т${L}{2}${THREE}${REGION}`,
} as const;

export type PlateKind = keyof typeof SHAPES;

/** Longer than any plate. */
const PLATE_MAX = 12;

const KINDS = (Object.entries(SHAPES) as [PlateKind, string][]).map(
  ([kind, shape]) => [kind, new RegExp(`^${shape}$`)] as const,
);

/**
 * Which plates it can be; none for what is no plate. «АВ123477» is a taxi of region 477 as well as a trailer of region
 * 77: nothing in it tells them apart.
 */
export const plateKinds = (plate: string): PlateKind[] =>
  plate.length > PLATE_MAX ? [] : KINDS.filter(([, pattern]) => pattern.test(plate)).map(([kind]) => kind);
