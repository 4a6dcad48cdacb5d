/**
 * The tariff of OSAGO as data. A directive of the Bank of Russia sets it; each table names the directive and the first
 * day it counts for. The rows of 7204-У and 7349-У were transcribed from public calculators (research note, §2), not
 * from the official text.
 */

/** The class of the bonus-malus coefficient: `M` after many accidents, 13 after ten years without one. */
export const KBM_CLASSES = ['M', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13] as const;
export type KbmClass = (typeof KBM_CLASSES)[number];

/** A driver without history, and a policy for unlimited drivers. */
export const FIRST_KBM_CLASS = 3 satisfies KbmClass;

/** In force since 1 April 2022 (6007-У), taken over by 7204-У. */
export const KBM: Readonly<Record<KbmClass, number>> = {
  M: 3.92, 0: 2.94, 1: 2.25, 2: 1.76, 3: 1.17, 4: 1, 5: 0.91, 6: 0.83,
  7: 0.78, 8: 0.74, 9: 0.68, 10: 0.63, 11: 0.57, 12: 0.52, 13: 0.46,
};

/** What the base rate depends on. Not told apart for lack of data: weight, seats and regular routes. */
export type VehicleKind = 'motorcycle' | 'car' | 'taxi' | 'truck' | 'bus' | 'articulated-truck';

/** Lowest and highest base rate, in roubles. 7204-У of 09.10.2025, from 9 December 2025. */
export const BASE_RATES_ROUBLES: Readonly<Record<VehicleKind, readonly [min: number, max: number]>> = {
  motorcycle: [155, 4_260],
  car: [1_399, 8_665],
  taxi: [1_267, 18_119],
  truck: [791, 13_709], // up to 16 t
  bus: [1_175, 9_805], // more than 16 seats, not on a regular route
  'articulated-truck': [1_489, 17_201], // above 16 t
};

/** Steps: the first row whose bound is not below the value gives the coefficient. */
export type Steps = readonly (readonly [upToIncluding: number, coefficient: number])[];

/** KM, cars, by horsepower. */
export const KM_CAR: Steps = [
  [50, 0.6], [70, 1], [100, 1.1], [120, 1.2], [150, 1.4], [Infinity, 1.6],
];
/** KM, motorcycles: since 6949-У of 22.11.2024. Other vehicles have no KM. */
export const KM_MOTORCYCLE: Steps = [
  [50, 1], [60, 1.11], [70, 1.22], [80, 1.36], [90, 1.5], [Infinity, 1.66],
];

/** KS, by months of use. Not months ÷ 12, as some public calculators have it. */
export const KS: Steps = [
  [3, 0.5], [4, 0.6], [5, 0.65], [6, 0.7], [7, 0.8], [8, 0.9], [9, 0.95], [12, 1],
];

/** KO of a private owner: a list of drivers, or anybody. The 3.16 rests on one transcription of 7204-У. */
export const KO = { listed: 1, unlimited: 3.16 } as const;

/** Where each column of KVS begins, in full years of experience. */
export const KVS_EXPERIENCE_FROM = [0, 1, 2, 3, 5, 7, 10, 15] as const;

/** A row is shorter than the columns where nobody of that age can have so much experience. */
export type KvsRows = readonly (readonly [ageFrom: number, coefficients: readonly number[]])[];

export const KVS: KvsRows = [
  [18, [2.27, 1.92, 1.84, 1.65, 1.62]],
  [22, [1.88, 1.72, 1.71, 1.13, 1.1, 1.09]],
  [25, [1.72, 1.6, 1.54, 1.09, 1.08, 1.07, 1.02]],
  [30, [1.56, 1.5, 1.48, 1.05, 1.04, 1.01, 0.97, 0.95]],
  [35, [1.54, 1.47, 1.46, 1, 0.97, 0.95, 0.94, 0.93]],
  [40, [1.5, 1.44, 1.43, 0.96, 0.95, 0.94, 0.93, 0.91]],
  [50, [1.46, 1.4, 1.39, 0.93, 0.92, 0.91, 0.9, 0.86]],
  [60, [1.43, 1.36, 1.35, 0.91, 0.9, 0.89, 0.88, 0.83]],
];

/** Since 6949-У of 22.11.2024. */
export const KVS_MOTORCYCLE: KvsRows = [
  [16, [2.27, 2.23, 2.02, 1.8, 1.5]],
  [22, [2.23, 2.23, 2.02, 1.73, 1.49, 1.44]],
  [25, [2.01, 2.01, 1.81, 1.57, 1.35, 1.29, 1.17]],
  [30, [1.7, 1.7, 1.54, 1.33, 1.13, 1.08, 1.01, 0.96]],
  [35, [1.51, 1.51, 1.37, 1.19, 1.01, 0.96, 0.9, 0.89]],
  [40, [1.43, 1.43, 1.3, 1.12, 0.95, 0.91, 0.85, 0.84]],
  [50, [1.39, 1.39, 1.26, 1.08, 0.92, 0.87, 0.82, 0.81]],
  [60, [1.15, 1.12, 1.01, 0.91, 0.86, 0.81, 0.79, 0.76]],
];

/**
 * KT by subject of the Federation: the value of its capital, or of the subject where it has one value only. Towns that
 * differ from their capital are not told apart: an application carries the region.
 */
const KT_7204: Readonly<Record<string, number>> = {
  '01': 1.24, '02': 1.56, '03': 1.24, '04': 1.24, '05': 1, '06': 1.64, '07': 1, '08': 1.24, '09': 1, '10': 1.24,
  '11': 1.38, '12': 1.32, '13': 1.4, '14': 1.16, '15': 1, '16': 1.7, '17': 0.9, '18': 1.48, '19': 1, '20': 0.9,
  '21': 1.46, '22': 1.49, '23': 1.56, '24': 1.56, '25': 1.36, '26': 1.16, '27': 1.56, '28': 1.48, '29': 1.64,
  '30': 1.32, '31': 1.24, '32': 1.4, '33': 1.38, '34': 1.21, '35': 1.46, '36': 1.35, '37': 1.54, '38': 1.49,
  '39': 1.08, '40': 1.16, '41': 1.24, '42': 1.62, '43': 1.32, '44': 1.24, '45': 1.32, '46': 1.16, '47': 1.24,
  '48': 1.4, '49': 0.9, '50': 1.56, '51': 1.78, '52': 1.56, '53': 1.24, '54': 3.12, '55': 1.42, '56': 1.56,
  '57': 1.16, '58': 1.32, '59': 1.6, '60': 1.16, '61': 1.56, '62': 1.32, '63': 1.48, '64': 1.42, '65': 1.4,
  '66': 1.64, '67': 1.16, '68': 1.16, '69': 1.4, '70': 1.48, '71': 1.4, '72': 1.6, '73': 1.4, '74': 1.77,
  '75': 0.82, '76': 1.4, '77': 1.8, '78': 1.64, '79': 0.9, '83': 0.84, '86': 1.3, '87': 0.76, '89': 1.08,
  '91': 0.76, '92': 0.82,
};

export interface TariffEdition {
  directive: string;
  /** `YYYY-MM-DD`: policies that start on this day or later. */
  validFrom: string;
  kt: Readonly<Record<string, number>>;
}

/** Newest first. Between these two only KT of the Novosibirsk region differs: its multiplier fell from 2 to 1.5. */
export const TARIFF_EDITIONS: readonly TariffEdition[] = [
  { directive: '7349-У', validFrom: '2026-06-22', kt: { ...KT_7204, '54': 2.34 } },
  { directive: '7204-У of 09.10.2025', validFrom: '2025-12-09', kt: KT_7204 },
];
