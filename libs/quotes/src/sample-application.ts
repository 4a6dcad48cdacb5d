/**
 * Applications that look real and belong to nobody. Always valid by the schema and by sense, and never stale: every
 * date lies in an earlier calendar year than `today`. Phones have the area code 000 and e-mails the domain
 * example.com, neither of which exists, so no sample ever reaches a person.
 */
import type { Application, Driver as AnyDriver, Person } from '@osago/contracts';
import { type Random, seededRandom } from './random.ts';
import { CARS, MEN, type SampleTown, STREETS, TOWNS, WOMEN } from './sample-names.ts';

/** A private owner with Russian papers: what an application may leave out, a sample has. */
type Driver = AnyDriver & Required<Pick<AnyDriver, 'licence'>>;
type Vehicle = Application['vehicle'] & { power_hp: number };
export type SampleApplication = Application & {
  vehicle: Vehicle;
  owner: Person;
  policyholder: Person;
  drivers: Driver[];
};

export const PLATE_LETTERS = 'АВЕКМНОРСТУХ';
/** No I, O, Q: they read as 1 and 0. */
const VIN_CHARACTERS = 'ABCDEFGHJKLMNPRSTUVWXYZ0123456789';

/** SHA-256 of the text «Согласие на обработку персональных данных (образец)». */
const CONSENT_SHA256 = '6267c937b40994e5189db60766b6b36f9591ecca4aecd464066b3ad02057e320';

export const characters = (random: Random, from: string, count: number): string =>
  Array.from({ length: count }, () => from.charAt(random.integer(0, from.length - 1))).join('');

export const digits = (random: Random, count: number): string => characters(random, '0123456789', count);

/** Some day of that year. Up to the 28th, which every month has. */
const dayIn = (random: Random, year: number): string => {
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  return `${year}-${twoDigits(random.integer(1, 12))}-${twoDigits(random.integer(1, 28))}`;
};

interface Somebody {
  names: Pick<Person, 'last_name' | 'first_name' | 'middle_name' | 'birth_date'>;
  birthYear: number;
}

const somebody = (random: Random, thisYear: number): Somebody => {
  const names = random.pick([MEN, WOMEN]);
  // 20 calendar years: eighteen for the licence, one for a first year of experience, one because the birthday may be
  // still to come. 75: the oldest who are often asked for.
  const birthYear = thisYear - random.integer(20, 75);
  return {
    names: {
      last_name: random.pick(names.last),
      first_name: random.pick(names.first),
      middle_name: random.pick(names.middle),
      birth_date: dayIn(random, birthYear),
    },
    birthYear,
  };
};

const asPerson = (random: Random, who: Somebody, thisYear: number): Person => {
  const home = random.pick(TOWNS);
  const age = thisYear - who.birthYear;
  // Russian passports are issued at 14, 20 and 45; a year is left for the birthday and the paperwork.
  const passportAge = age > 46 ? 45 : age > 21 ? 20 : 14;
  const issuedIn = who.birthYear + passportAge + 1;
  return {
    ...who.names,
    passport: {
      series: `${home.okato}${String(issuedIn).slice(-2)}`,
      number: digits(random, 6),
      issued_on: dayIn(random, issuedIn),
    },
    address: addressIn(random, home),
  };
};

const addressIn = (random: Random, { region, town }: SampleTown): Person['address'] => ({
  region,
  text: `${town}, ${random.pick(STREETS)}, д. ${random.integer(1, 120)}, кв. ${random.integer(1, 300)}`,
});

const asDriver = (random: Random, { names, birthYear }: Somebody, thisYear: number): Driver => {
  // Nineteen calendar years after the birth: eighteen full years on any day of the year. Most learn in their twenties.
  const latest = random.chance(0.8) ? Math.min(birthYear + 27, thisYear - 1) : thisYear - 1;
  const sinceYear = random.integer(birthYear + 19, latest);
  // A licence is valid ten years; this one was renewed within the last three.
  const renewed = sinceYear < thisYear - 3;
  const experienceFrom = dayIn(random, sinceYear);
  return {
    ...names,
    licence: {
      series: digits(random, 4),
      number: digits(random, 6),
      issued_on: renewed ? dayIn(random, random.integer(thisYear - 3, thisYear - 1)) : experienceFrom,
      experience_from: experienceFrom,
    },
  };
};

const plate = (random: Random, region: string): string => {
  const number = String(random.integer(1, 999)).padStart(3, '0');
  return `${characters(random, PLATE_LETTERS, 1)}${number}${characters(random, PLATE_LETTERS, 2)}${region}`;
};

export const vin = (random: Random, wmi: string): string =>
  `${wmi}${characters(random, VIN_CHARACTERS, 10)}${digits(random, 4)}`;

const vehicleOf = (random: Random, region: string, thisYear: number): Vehicle => {
  const car = random.pick(CARS);
  const year = thisYear - random.integer(1, 15);
  return {
    vin: vin(random, car.wmi),
    plate: plate(random, region),
    category: 'B',
    brand: car.brand,
    model: car.model,
    year,
    power_hp: random.pick(car.powersHp),
    document: {
      type: 'sts',
      series: `${region}${digits(random, 2)}`,
      number: digits(random, 6),
      issued_on: dayIn(random, random.integer(year, thisYear - 1)),
    },
  };
};

/**
 * The same `seed` and year of `today` (`YYYY-MM-DD`) give the same application. Cars of category B; one in eight is for
 * unlimited drivers, one in twenty-five a taxi, one in five has a policyholder who is not the owner.
 */
export const sampleApplication = (seed: number, today: string): SampleApplication => {
  const random = seededRandom(`sample application ${seed}`);
  const thisYear = Number(today.slice(0, 4));
  const first = somebody(random, thisYear);
  const owner = asPerson(random, first, thisYear);
  const other = somebody(random, thisYear);
  const policyholder = random.chance(0.2) ? asPerson(random, other, thisYear) : owner;
  const unlimited = random.chance(1 / 8);
  const drivers = unlimited ? [] : [first, ...(random.chance(0.4) ? [other] : [])];
  return {
    vehicle: vehicleOf(random, owner.address.region, thisYear),
    owner,
    policyholder,
    unlimited_drivers: unlimited,
    drivers: drivers.map((driver) => asDriver(random, driver, thisYear)),
    purpose: random.chance(1 / 25) ? 'taxi' : 'personal',
    period: { months: random.chance(0.8) ? 12 : random.integer(3, 11) },
    contacts: {
      phone: `7000${digits(random, 7)}`,
      email: `sample.${digits(random, 6)}@example.com`,
    },
    consents: [{ version: '2026-01', text_sha256: CONSENT_SHA256 }],
  };
};
