/**
 * What changes between applications for the same vehicle or by the same person when the price is shopped for by lying.
 * Signals are recorded and refuse nobody: people correct their mistakes, too. No personal data: callers give tokens.
 */
import { plateKinds, type TariffAttributes } from '@osago/contracts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';

export const FRAUD_SIGNAL_CODES = [
  'power_changed',
  'region_changed',
  'purpose_changed',
  'year_changed',
  'drivers_changed',
  'many_vehicles',
  'taxi_plate_personal',
] as const;
export type FraudSignalCode = (typeof FRAUD_SIGNAL_CODES)[number];

/** One application as it is remembered. `vehicle` and `person` are tokens (HMAC) of the VIN and of the policyholder. */
export interface RememberedApplication {
  requestId: string;
  /** 1 as submitted, then that of each retry with changes. */
  revision: number;
  atMs: number;
  vehicle: string;
  person: string;
  attributes: Pick<TariffAttributes, 'power_hp' | 'region' | 'town' | 'purpose' | 'year' | 'drivers'>;
  /** By {@link isTaxiPlate}; the plate itself is not remembered. */
  taxiPlate: boolean;
}

export interface FraudSignal {
  code: FraudSignalCode;
  /** The former application that it was compared with; absent where one application is a signal by itself. */
  former?: { requestId: string; value: string };
  current: string;
}

/** Only taxis and buses have such a plate: one that may be another kind's says nothing. */
export const isTaxiPlate = (plate: string | undefined): boolean => {
  const kinds = plate === undefined ? [] : plateKinds(plate);
  return kinds.length > 0 && kinds.every((kind) => kind === 'taxi');
};

type Attributes = RememberedApplication['attributes'];
type Compared = Exclude<FraudSignalCode, 'many_vehicles' | 'taxi_plate_personal'>;

const driversOf = ({ drivers }: Attributes): string =>
  drivers.length === 0 ? 'unlimited' : drivers.map(({ age, experience_years }) => `${age}/${experience_years}`).sort().join(' ');

const COMPARED: Readonly<Record<Compared, (attributes: Attributes) => string>> = {
  power_changed: ({ power_hp }) => String(power_hp),
  // With the town where it has a price of its own: a cheaper one is as good a lie as a cheaper region.
  region_changed: ({ region, town }) => (town === undefined ? region : `${region} ${town}`),
  purpose_changed: ({ purpose }) => purpose,
  year_changed: ({ year }) => String(year),
  drivers_changed: driversOf,
};

const allSignals = (
  current: RememberedApplication,
  former: readonly RememberedApplication[],
  settings: RuleSettings,
): FraudSignal[] => {
  const sinceMs = current.atMs - settings.signalWindowHours * 3_600_000;
  const recent = former
    .filter(({ atMs }) => atMs >= sinceMs && atMs <= current.atMs)
    .sort((one, other) => other.atMs - one.atMs);
  const signals: FraudSignal[] = [];
  for (const [code, valueOf] of Object.entries(COMPARED) as [Compared, (attributes: Attributes) => string][]) {
    const now = valueOf(current.attributes);
    const other = recent.find(({ attributes, vehicle }) => vehicle === current.vehicle && valueOf(attributes) !== now);
    if (other === undefined) continue;
    signals.push({ code, former: { requestId: other.requestId, value: valueOf(other.attributes) }, current: now });
  }
  const ofPerson = recent.filter(({ person }) => person === current.person);
  const vehicles = new Set([current, ...ofPerson].map(({ vehicle }) => vehicle));
  const [latest] = ofPerson;
  if (latest !== undefined && vehicles.size > settings.vehiclesPerPersonMax) {
    const value = String(settings.vehiclesPerPersonMax);
    signals.push({ code: 'many_vehicles', former: { requestId: latest.requestId, value }, current: String(vehicles.size) });
  }
  const { purpose } = current.attributes;
  if (current.taxiPlate && purpose === 'personal') signals.push({ code: 'taxi_plate_personal', current: purpose });
  return signals;
};

/**
 * At most one signal of each code: against the latest former application that differs. A retry says only what the
 * application of its request did not say before.
 */
export const fraudSignals = (
  current: RememberedApplication,
  former: readonly RememberedApplication[],
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): FraudSignal[] => {
  const own = former.filter(({ requestId }) => requestId === current.requestId);
  const before = own.toSorted((one, other) => other.revision - one.revision)[0];
  const known = before === undefined ? [] : allSignals(before, former.filter((one) => one !== before), settings);
  const isKnown = ({ code, current: value }: FraudSignal): boolean =>
    known.some((one) => one.code === code && one.current === value);
  return allSignals(current, former, settings).filter((signal) => !isKnown(signal));
};
