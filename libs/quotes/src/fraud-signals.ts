/**
 * What changes between applications for the same vehicle or by the same owner when the price is shopped for by lying.
 * Signals are recorded and refuse nobody: people correct their mistakes, too. No personal data: callers give tokens.
 */
import type { TariffAttributes } from '@osago/contracts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';

export type FraudSignalCode =
  | 'power_changed'
  | 'region_changed'
  | 'purpose_changed'
  | 'year_changed'
  | 'drivers_changed'
  | 'many_vehicles';

/** One application as it is remembered. `vehicle` and `owner` are tokens (HMAC) of the VIN and of the owner. */
export interface RememberedApplication {
  atMs: number;
  vehicle: string;
  owner: string;
  attributes: Pick<TariffAttributes, 'power_hp' | 'region' | 'purpose' | 'year' | 'drivers'>;
}

export interface FraudSignal {
  code: FraudSignalCode;
  /** The former application that it was compared with. */
  former_at: string;
  former: string;
  current: string;
}

type Attributes = RememberedApplication['attributes'];

const driversOf = ({ drivers }: Attributes): string =>
  drivers.length === 0 ? 'unlimited' : drivers.map(({ age, experience_years }) => `${age}/${experience_years}`).sort().join(' ');

const COMPARED: Readonly<Record<Exclude<FraudSignalCode, 'many_vehicles'>, (attributes: Attributes) => string>> = {
  power_changed: ({ power_hp }) => String(power_hp),
  region_changed: ({ region }) => region,
  purpose_changed: ({ purpose }) => purpose,
  year_changed: ({ year }) => String(year),
  drivers_changed: driversOf,
};

/** At most one signal of each code: against the latest former application that differs. */
export const fraudSignals = (
  current: RememberedApplication,
  former: readonly RememberedApplication[],
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): FraudSignal[] => {
  const sinceMs = current.atMs - settings.signalWindowHours * 3_600_000;
  const recent = former
    .filter(({ atMs }) => atMs >= sinceMs && atMs <= current.atMs)
    .sort((one, other) => other.atMs - one.atMs);
  const signals: FraudSignal[] = [];
  for (const [code, valueOf] of Object.entries(COMPARED) as [FraudSignalCode, (attributes: Attributes) => string][]) {
    const now = valueOf(current.attributes);
    const other = recent.find(({ attributes, vehicle }) => vehicle === current.vehicle && valueOf(attributes) !== now);
    if (other === undefined) continue;
    signals.push({ code, former_at: new Date(other.atMs).toISOString(), former: valueOf(other.attributes), current: now });
  }
  const ofOwner = recent.filter(({ owner }) => owner === current.owner);
  const vehicles = new Set([current, ...ofOwner].map(({ vehicle }) => vehicle));
  const [latest] = ofOwner;
  if (latest !== undefined && vehicles.size > settings.vehiclesPerOwnerMax) {
    signals.push({
      code: 'many_vehicles',
      former_at: new Date(latest.atMs).toISOString(),
      former: String(settings.vehiclesPerOwnerMax),
      current: String(vehicles.size),
    });
  }
  return signals;
};
