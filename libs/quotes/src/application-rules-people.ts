/** What must be true of owner, policyholder and drivers. */
import type { Application, Driver, Person } from '@osago/contracts';
import { type Examined, notLater, type Rule } from './application-rule.ts';
import { fullYears } from './calendar.ts';

type Party = Application['owner'];

export const isPerson = (party: Party): party is Person => party.kind !== 'legal_entity';

const personRules = (party: Party, at: '/owner' | '/policyholder', { settings, today }: Examined): Rule[] => {
  if (!isPerson(party)) return [];
  const { birth_date, passport } = party;
  return [
    notLater(birth_date, today, `${at}/birth_date`),
    notLater(passport.issued_on, today, `${at}/passport/issued_on`),
    {
      reads: [`${at}/birth_date`, `${at}/passport/issued_on`],
      check: (report) => {
        const min = settings.passportAgeMin;
        if (fullYears(birth_date, passport.issued_on) < min) {
          report(`${at}/passport/issued_on`, 'passport_too_early', { min });
        }
      },
    },
  ];
};

const policyholderRules = ({ application, settings, today }: Examined): Rule[] => {
  const { policyholder } = application;
  if (!isPerson(policyholder)) return [];
  return [
    {
      reads: ['/policyholder/birth_date'],
      check: (report) => {
        const min = settings.policyholderAgeMin;
        if (fullYears(policyholder.birth_date, today) < min) report('/policyholder/birth_date', 'too_young', { min });
      },
    },
  ];
};

/** The day a driver's experience counts from: of the Russian licence, or of the foreign one where there is no other. */
export const experienceFrom = ({ foreign_licence, licence }: Driver): string | undefined =>
  licence?.experience_from ?? foreign_licence?.experience_from;

const licenceRules = (
  licence: Driver['licence'] | Driver['foreign_licence'],
  { birth_date }: Driver,
  at: { driver: string; member: 'licence' | 'foreign_licence' },
  { application, settings, today }: Examined,
): Rule[] => {
  if (licence === undefined) return [];
  const here = `${at.driver}/${at.member}`;
  const min = application.vehicle.category === 'A' ? settings.motorcyclistAgeMin : settings.driverAgeMin;
  return [
    notLater(licence.experience_from, today, `${here}/experience_from`),
    notLater(licence.issued_on, today, `${here}/issued_on`),
    {
      reads: [`${at.driver}/birth_date`, '/vehicle/category', `${here}/experience_from`],
      check: (report) => {
        if (fullYears(birth_date, licence.experience_from) < min) {
          report(`${here}/experience_from`, 'experience_too_early', { min });
        }
      },
    },
  ];
};

const previousLicence = ({ licence, previous_licence }: Driver, at: string, { today }: Examined): Rule[] => {
  const issuedOn = previous_licence?.issued_on;
  if (issuedOn === undefined) return [];
  const pointer = `${at}/previous_licence/issued_on`;
  return [
    notLater(issuedOn, today, pointer),
    {
      reads: [pointer, `${at}/licence/issued_on`],
      check: (report) => {
        if (licence !== undefined && issuedOn > licence.issued_on) report(pointer, 'previous_licence_later');
      },
    },
  ];
};

const licenceTwice = ({ application }: Examined, index: number, at: string): Rule => ({
  reads: ['/drivers', `${at}/licence/series`, `${at}/licence/number`],
  check: (report) => {
    const own = application.drivers[index]?.licence;
    const isSame = ({ licence }: Driver): boolean =>
      own?.number !== undefined && licence?.series === own.series && licence.number === own.number;
    if (application.drivers.findIndex(isSame) < index && own?.number !== undefined) {
      report(`${at}/licence/number`, 'licence_twice');
    }
  },
});

const driverRules = (examined: Examined, index: number): Rule[] => {
  const { application, settings, today } = examined;
  const driver = application.drivers[index];
  if (driver === undefined) return [];
  const at = `/drivers/${index}`;
  const min = application.vehicle.category === 'A' ? settings.motorcyclistAgeMin : settings.driverAgeMin;
  return [
    {
      reads: [`${at}/licence`, `${at}/foreign_licence`],
      check: (report) => {
        if (driver.licence === undefined && driver.foreign_licence === undefined) report(`${at}/licence`, 'required');
      },
    },
    {
      reads: [`${at}/birth_date`, '/vehicle/category'],
      check: (report) => {
        if (fullYears(driver.birth_date, today) < min) report(`${at}/birth_date`, 'too_young', { min });
      },
    },
    ...licenceRules(driver.licence, driver, { driver: at, member: 'licence' }, examined),
    ...licenceRules(driver.foreign_licence, driver, { driver: at, member: 'foreign_licence' }, examined),
    ...previousLicence(driver, at, examined),
    licenceTwice(examined, index, at),
  ];
};

export const peopleRules = (examined: Examined): Rule[] => [
  ...personRules(examined.application.owner, '/owner', examined),
  ...personRules(examined.application.policyholder, '/policyholder', examined),
  ...examined.application.drivers.flatMap((_, index) => driverRules(examined, index)),
  {
    reads: ['/drivers', '/unlimited_drivers'],
    check: (report) => {
      const { drivers, unlimited_drivers } = examined.application;
      if (unlimited_drivers && drivers.length > 0) report('/drivers', 'drivers_not_wanted');
      if (!unlimited_drivers && drivers.length === 0) report('/drivers', 'drivers_missing');
    },
  },
  ...policyholderRules(examined),
];
