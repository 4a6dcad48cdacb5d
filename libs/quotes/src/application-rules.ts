/**
 * Rules that join several members of an application. Each rule runs only when the members it reads have no fault of
 * their own, so a caller gets the faults of shape and of sense together and none of them twice.
 */
import { type Application, type Fault, faultOf, hasVinCheckDigit, type TariffAttributes } from '@osago/contracts';
import type { Examined, Report } from './application-rule.ts';
import { experienceFrom, isPerson, peopleRules } from './application-rules-people.ts';
import { policyRules } from './application-rules-policy.ts';
import { powerHpOf, vehicleRules } from './application-rules-vehicle.ts';
import { addDays, fullYears } from './calendar.ts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';
import { tariffTown } from './tariff-tables.ts';

type Members = Record<string, unknown>;

const object = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
/** Absent stays absent, anything else becomes an object. */
const optionalObject = (value: unknown): Members | undefined => (value === undefined ? undefined : object(value));

const tolerantParty = (value: unknown): Members => {
  const party = object(value);
  return { ...party, passport: object(party['passport']), address: object(party['address']) };
};

const tolerantDriver = (value: unknown): Members => {
  const driver = object(value);
  return {
    ...driver,
    licence: optionalObject(driver['licence']),
    foreign_licence: optionalObject(driver['foreign_licence']),
    previous_licence: optionalObject(driver['previous_licence']),
  };
};

/** A value that stands where a whole application is expected: anything missing reads as an empty object or list. */
const tolerant = (value: unknown): Application => {
  const root = object(value);
  const vehicle = object(root['vehicle']);
  const period = object(root['period']);
  return {
    ...root,
    vehicle: {
      ...vehicle,
      document: object(vehicle['document']),
      further_documents: list(vehicle['further_documents']).map(object),
    },
    owner: tolerantParty(root['owner']),
    policyholder: tolerantParty(root['policyholder']),
    drivers: list(root['drivers']).map(tolerantDriver),
    period: { ...period, intervals: list(period['intervals']).map(object) },
    consents: list(root['consents']).map(object),
  } as unknown as Application;
};

/**
 * All faults of sense in `value`, given its faults of shape. A rule is left out when a member it reads, or one that
 * holds it, is faulty. `today` is the day in Moscow.
 */
export const applicationFaults = (
  value: unknown,
  shapeFaults: readonly Fault[],
  today: string,
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): Fault[] => {
  const examined: Examined = { application: tolerant(value), today, settings };
  const faults: Fault[] = [];
  const report: Report = (pointer, code, params) => {
    if (!faults.some((fault) => fault.pointer === pointer)) faults.push(faultOf(pointer, code, params));
  };
  const isSound = (pointer: string): boolean =>
    shapeFaults.every(
      (fault) =>
        fault.pointer !== pointer &&
        !pointer.startsWith(`${fault.pointer}/`) &&
        !(pointer === '/period/intervals' && fault.pointer.startsWith(`${pointer}/`)),
    );
  for (const rule of [...vehicleRules(examined), ...peopleRules(examined), ...policyRules(examined)]) {
    if (rule.reads.every(isSound)) rule.check(report);
  }
  return faults;
};

/** What looks like a mistake and need not be one: told to the person, never a reason to refuse. */
export const applicationWarnings = ({ vehicle }: Application): Fault[] =>
  vehicle.vin === undefined || hasVinCheckDigit(vehicle.vin) ? [] : [faultOf('/vehicle/vin', 'vin_check_digit')];

/** Rows of the tariff that category and purpose do not tell; undefined where they do. */
const furtherKind = (
  { category, max_mass_kg, passenger_seats, regular_route }: Application['vehicle'],
  settings: RuleSettings,
): TariffAttributes['vehicle_kind'] => {
  if (category === 'C' && max_mass_kg !== undefined && max_mass_kg > settings.truckMassMaxKg) return 'heavy-truck';
  if (category !== 'D') return undefined;
  if (regular_route === true) return 'route-bus';
  return passenger_seats !== undefined && passenger_seats <= settings.minibusSeatsMax ? 'minibus' : undefined;
};

/** What pricing needs, taken from an application without faults: so there is a power, and a licence of every driver. */
export const tariffAttributes = (
  application: Application,
  today: string,
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): TariffAttributes => {
  const { vehicle, owner, drivers, unlimited_drivers, purpose, period, short_term } = application;
  const policy_start_date = application.policy_start_date ?? addDays(today, settings.minStartOffsetDays);
  const kind = furtherKind(vehicle, settings);
  const { region } = owner.address;
  const town = tariffTown(region, owner.address.town, policy_start_date);
  return {
    category: vehicle.category,
    power_hp: powerHpOf(vehicle, settings.hpPerKw) ?? 1,
    year: vehicle.year,
    purpose,
    region,
    ...(town !== undefined && { town }),
    months: period.months,
    policy_start_date,
    unlimited_drivers,
    drivers: drivers.map((driver) => ({
      age: fullYears(driver.birth_date, policy_start_date),
      experience_years: fullYears(experienceFrom(driver) ?? policy_start_date, policy_start_date),
    })),
    ...(kind !== undefined && { vehicle_kind: kind }),
    ...(!isPerson(owner) && { legal_entity: true }),
    ...(short_term !== undefined && { short_term_days: short_term.days }),
  };
};
