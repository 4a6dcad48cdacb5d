/**
 * Every figure of OSAGO that is a rule and no table of the tariff, by name, so that one that proves wrong is changed in
 * one place. Each says how sure it is: `S` found in a source, `K` common knowledge that no source confirmed, `A` an
 * assumption of ours (research notes, §1.2, §2.1, §3.5).
 */

export type SettingSource = 'S' | 'K' | 'A';

export interface RuleSettings {
  /** An electronic policy starts this many days after the application at the earliest. */
  minStartOffsetDays: number;
  maxStartOffsetDays: number;
  policyholderAgeMin: number;
  passportAgeMin: number;
  /** Youngest driver, and the age from which experience counts: the KVS tables begin there. */
  driverAgeMin: number;
  motorcyclistAgeMin: number;
  /** Cars of the next year are sold in autumn. */
  yearsAheadMax: number;
  hpPerKw: number;
  /** How far horsepower and kilowatts of one engine may disagree, for papers round them. */
  powerToleranceHp: number;
  /** Above it a lorry has the base rates of heavy ones. */
  truckMassMaxKg: number;
  /** Up to it a bus has the base rates of D1. */
  minibusSeatsMax: number;
  /** A driver without history, and a policy for unlimited drivers. */
  firstKbmClass: 3 | 4;
  /** KVS of a listed driver where the owner is a legal entity is this many times that of the table. */
  legalEntityKvsFactor: number;
  /** The premium is at most so many times TB × KT (40-FZ, article 9); undefined: no cap. */
  premiumCapMultiplier: number | undefined;
  /** A quote holds no longer than this. */
  quoteValidHoursMax: number;
  /** `MM-DD` on which KBM classes change. */
  kbmYearStartsOn: string;
  /** Applications this far apart are looked at together for signals of fraud. */
  signalWindowHours: number;
  vehiclesPerPersonMax: number;
}

const SETTINGS: { readonly [Name in keyof RuleSettings]: readonly [value: RuleSettings[Name], source: SettingSource] } = {
  minStartOffsetDays: [3, 'S'],
  maxStartOffsetDays: [60, 'K'],
  policyholderAgeMin: [18, 'K'],
  passportAgeMin: [14, 'K'],
  driverAgeMin: [18, 'S'],
  motorcyclistAgeMin: [16, 'S'],
  yearsAheadMax: [1, 'A'],
  hpPerKw: [1.35962, 'K'],
  powerToleranceHp: [1, 'A'],
  truckMassMaxKg: [16_000, 'S'],
  minibusSeatsMax: [16, 'S'],
  firstKbmClass: [3, 'S'],
  legalEntityKvsFactor: [1.8, 'S'],
  premiumCapMultiplier: [undefined, 'K'],
  quoteValidHoursMax: [24, 'A'],
  kbmYearStartsOn: ['04-01', 'S'],
  signalWindowHours: [24, 'A'],
  vehiclesPerPersonMax: [5, 'A'],
};

export const RULE_SETTING_NAMES = Object.keys(SETTINGS) as readonly (keyof RuleSettings)[];

export const settingSource = (name: keyof RuleSettings): SettingSource => SETTINGS[name][1];

export const DEFAULT_RULE_SETTINGS: Readonly<RuleSettings> = Object.fromEntries(
  RULE_SETTING_NAMES.map((name) => [name, SETTINGS[name][0]]),
) as unknown as RuleSettings;
