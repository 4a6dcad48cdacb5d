/**
 * Rules that join several members of an application. Each rule runs only when the members it reads have no fault of
 * their own, so a caller gets the faults of shape and of sense together and none of them twice.
 */
import type { Application, Fault, TariffAttributes } from '@osago/contracts';

export interface ApplicationSettings {
  /** An electronic policy starts this many days after the application at the earliest. */
  minStartOffsetDays: number;
  maxStartOffsetDays: number;
}

export const DEFAULT_APPLICATION_SETTINGS: ApplicationSettings = {
  minStartOffsetDays: 3,
  maxStartOffsetDays: 60,
};

/** Youngest driver by category: the KVS tables begin there. */
const driverAgeMin = (category: string): number => (category === 'A' ? 16 : 18);
const POLICYHOLDER_AGE_MIN = 18;
const PASSPORT_AGE_MIN = 14;

export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** Full years from one day to another; days are compared as text, so no time zone can shift them. */
export const fullYears = (from: string, to: string): number => {
  const years = Number(to.slice(0, 4)) - Number(from.slice(0, 4));
  return to.slice(5) < from.slice(5) ? years - 1 : years;
};

/** The calendar day in Moscow, by which policies are dated (UTC+3 all year). */
export const moscowDate = (nowMs: number): string =>
  new Date(nowMs + 3 * 3_600_000).toISOString().slice(0, 10);

type Report = (pointer: string, code: string, detail: string) => void;

interface Rule {
  reads: readonly string[];
  check: (report: Report) => void;
}

const notLater = (date: string, limit: string, pointer: string): Rule => ({
  reads: [pointer],
  check: (report) => {
    if (date > limit) report(pointer, 'in_future', 'lies in the future');
  },
});

const vehicleRules = ({ vehicle }: Application, today: string): Rule[] => [
  {
    reads: ['/vehicle/vin', '/vehicle/body_number', '/vehicle/chassis_number'],
    check: (report) => {
      if (!vehicle.vin && !vehicle.body_number && !vehicle.chassis_number) {
        report('/vehicle/vin', 'required', 'is needed, or a body_number, or a chassis_number');
      }
    },
  },
  {
    reads: ['/vehicle/plate', '/vehicle/document/type'],
    check: (report) => {
      if (vehicle.document.type === 'sts' && !vehicle.plate) {
        report('/vehicle/plate', 'required', 'is needed with an STS');
      }
    },
  },
  {
    reads: ['/vehicle/year'],
    check: (report) => {
      if (vehicle.year > Number(today.slice(0, 4)) + 1) {
        report('/vehicle/year', 'in_future', 'lies in the future');
      }
    },
  },
  notLater(vehicle.document.issued_on, today, '/vehicle/document/issued_on'),
];

const personRules = (
  person: Application['owner'],
  at: '/owner' | '/policyholder',
  today: string,
): Rule[] => [
  notLater(person.birth_date, today, `${at}/birth_date`),
  notLater(person.passport.issued_on, today, `${at}/passport/issued_on`),
  {
    reads: [`${at}/birth_date`, `${at}/passport/issued_on`],
    check: (report) => {
      if (fullYears(person.birth_date, person.passport.issued_on) < PASSPORT_AGE_MIN) {
        report(`${at}/passport/issued_on`, 'too_early', `is before the age of ${PASSPORT_AGE_MIN}`);
      }
    },
  },
];

const driverRules = (application: Application, index: number, today: string): Rule[] => {
  const driver = application.drivers[index];
  if (driver === undefined) return [];
  const at = `/drivers/${index}`;
  const ageMin = driverAgeMin(application.vehicle.category);
  const { experience_from, issued_on } = driver.licence;
  return [
    notLater(experience_from, today, `${at}/licence/experience_from`),
    notLater(issued_on, today, `${at}/licence/issued_on`),
    {
      reads: [`${at}/birth_date`, '/vehicle/category'],
      check: (report) => {
        if (fullYears(driver.birth_date, today) < ageMin) {
          report(`${at}/birth_date`, 'too_young', `a driver is at least ${ageMin} years old`);
        }
      },
    },
    {
      reads: [`${at}/birth_date`, '/vehicle/category', `${at}/licence/experience_from`],
      check: (report) => {
        if (fullYears(driver.birth_date, experience_from) < ageMin) {
          report(`${at}/licence/experience_from`, 'too_early', `is before the age of ${ageMin}`);
        }
      },
    },
  ];
};

const policyRules = (
  application: Application,
  today: string,
  settings: ApplicationSettings,
): Rule[] => {
  const { drivers, policyholder, policy_start_date, unlimited_drivers } = application;
  const earliest = addDays(today, settings.minStartOffsetDays);
  const latest = addDays(today, settings.maxStartOffsetDays);
  return [
    {
      reads: ['/drivers', '/unlimited_drivers'],
      check: (report) => {
        if (unlimited_drivers && drivers.length > 0) {
          report('/drivers', 'too_many', 'is empty when drivers are unlimited');
        }
        if (!unlimited_drivers && drivers.length === 0) {
          report('/drivers', 'too_few', 'names at least one driver unless they are unlimited');
        }
      },
    },
    {
      reads: ['/policyholder/birth_date'],
      check: (report) => {
        if (fullYears(policyholder.birth_date, today) < POLICYHOLDER_AGE_MIN) {
          report('/policyholder/birth_date', 'too_young', `is under ${POLICYHOLDER_AGE_MIN} years`);
        }
      },
    },
    {
      reads: ['/policy_start_date'],
      check: (report) => {
        if (policy_start_date === undefined) return;
        if (policy_start_date < earliest || policy_start_date > latest) {
          report('/policy_start_date', 'out_of_range', `lies from ${earliest} to ${latest}`);
        }
      },
    },
  ];
};

/** A value that stands where a whole application is expected: anything missing reads as an empty object. */
const tolerant = (value: unknown): Application => {
  const object = (member: unknown): object =>
    typeof member === 'object' && member !== null ? member : {};
  const root = object(value) as Record<string, unknown>;
  const person = (member: unknown): object => ({
    ...object(member),
    passport: object((object(member) as Record<string, unknown>)['passport']),
  });
  const drivers: unknown[] = Array.isArray(root['drivers']) ? root['drivers'] : [];
  return {
    ...root,
    vehicle: {
      ...object(root['vehicle']),
      document: object((object(root['vehicle']) as Record<string, unknown>)['document']),
    },
    owner: person(root['owner']),
    policyholder: person(root['policyholder']),
    drivers: drivers.map((driver) => ({
      ...object(driver),
      licence: object((object(driver) as Record<string, unknown>)['licence']),
    })),
  } as unknown as Application;
};

/**
 * All faults of sense in `value`, given its faults of shape. A rule is left out when a member it reads, or one that
 * holds it, is faulty.
 */
export const applicationFaults = (
  value: unknown,
  shapeFaults: readonly Fault[],
  today: string,
  settings: ApplicationSettings = DEFAULT_APPLICATION_SETTINGS,
): Fault[] => {
  const application = tolerant(value);
  const faults: Fault[] = [];
  const report: Report = (pointer, code, detail) => {
    if (!faults.some((fault) => fault.pointer === pointer)) faults.push({ pointer, code, detail });
  };
  const isSound = (pointer: string): boolean =>
    shapeFaults.every(
      (fault) => fault.pointer !== pointer && !pointer.startsWith(`${fault.pointer}/`),
    );
  const rules = [
    ...vehicleRules(application, today),
    ...personRules(application.owner, '/owner', today),
    ...personRules(application.policyholder, '/policyholder', today),
    ...application.drivers.flatMap((_, index) => driverRules(application, index, today)),
    ...policyRules(application, today, settings),
  ];
  for (const rule of rules) if (rule.reads.every(isSound)) rule.check(report);
  return faults;
};

/** What pricing needs, taken from an application without faults. */
export const tariffAttributes = (
  application: Application,
  today: string,
  settings: ApplicationSettings = DEFAULT_APPLICATION_SETTINGS,
): TariffAttributes => {
  const { vehicle, owner, drivers, unlimited_drivers, purpose, period } = application;
  const policy_start_date =
    application.policy_start_date ?? addDays(today, settings.minStartOffsetDays);
  return {
    category: vehicle.category,
    power_hp: vehicle.power_hp,
    year: vehicle.year,
    purpose,
    region: owner.address.region,
    months: period.months,
    policy_start_date,
    unlimited_drivers,
    drivers: drivers.map(({ birth_date, licence }) => ({
      age: fullYears(birth_date, policy_start_date),
      experience_years: fullYears(licence.experience_from, policy_start_date),
    })),
  };
};
