import { describe, expect, test } from '@jest/globals';
import { Application, checker, type Fault } from '@osago/contracts';
import fc from 'fast-check';
import { applicationFaults, applicationWarnings, tariffAttributes } from './application-rules.ts';
import { addDays, begunMonths, fullYears, moscowDate, yearLater } from './calendar.ts';
import { DEFAULT_RULE_SETTINGS } from './rule-settings.ts';
import { sampleApplication } from './sample-application.ts';
import { SAMPLE_KINDS, sampleOfKind } from './sample-kinds.ts';

const TODAY = '2026-11-21';
const check = checker(Application);

/** What a test changes: JSON Pointer to value; undefined takes the member away. */
type Changes = Readonly<Record<string, unknown>>;

const withChanges = (application: Application, changes: Changes): unknown => {
  // Through JSON: in a sample one person may be two members.
  const copy: unknown = JSON.parse(JSON.stringify(application));
  for (const [pointer, value] of Object.entries(changes)) {
    const names = pointer.slice(1).split('/');
    const last = names.pop()!;
    const holder = names.reduce((held, name) => (held as Record<string, unknown>)[name], copy) as Record<string, unknown>;
    if (value === undefined) Reflect.deleteProperty(holder, last);
    else holder[last] = value;
  }
  return copy;
};

/** One driver, who is the owner and born on 1982-01-17; a car of category B with an STS. */
const BASE = sampleApplication(1, '2026-01-15');

/** Faults of shape and of sense, as POST reports them. */
const allFaults = (changes: Changes, today = TODAY): Fault[] => {
  const value = withChanges(BASE, changes);
  const shape = check(value);
  const ofShape = shape.ok ? [] : shape.faults;
  return [...ofShape, ...applicationFaults(value, ofShape, today)];
};

const named = (faults: readonly Fault[]): string[] => faults.map(({ pointer, code }) => `${pointer} ${code}`);

describe('each rule', () => {
  test.each<[string, Changes, string[]]>([
    ['nothing that names the car', { '/vehicle/vin': undefined }, ['/vehicle/vin identity_missing']],
    ['no plate although the paper is an STS', { '/vehicle/plate': undefined }, ['/vehicle/plate plate_needed']],
    ['a car of the year after the next', { '/vehicle/year': 2028 }, ['/vehicle/year year_in_future']],
    ['a car paper of tomorrow', { '/vehicle/document/issued_on': '2026-11-22' }, ['/vehicle/document/issued_on in_future']],
    [
      'an owner born tomorrow',
      { '/owner/birth_date': '2026-11-22' },
      ['/owner/birth_date in_future', '/owner/passport/issued_on passport_too_early'],
    ],
    ['an owner’s passport of tomorrow', { '/owner/passport/issued_on': '2026-11-22' }, ['/owner/passport/issued_on in_future']],
    ['an owner’s passport of a child', { '/owner/passport/issued_on': '1996-01-16' }, ['/owner/passport/issued_on passport_too_early']],
    [
      'a policyholder born tomorrow',
      { '/policyholder/birth_date': '2026-11-22' },
      ['/policyholder/birth_date in_future', '/policyholder/passport/issued_on passport_too_early'],
    ],
    [
      'a policyholder’s passport of tomorrow',
      { '/policyholder/passport/issued_on': '2026-11-22' },
      ['/policyholder/passport/issued_on in_future'],
    ],
    [
      'a policyholder’s passport of a child',
      { '/policyholder/passport/issued_on': '1996-01-16' },
      ['/policyholder/passport/issued_on passport_too_early'],
    ],
    [
      'a policyholder under age',
      { '/policyholder/birth_date': '2008-11-22', '/policyholder/passport/issued_on': '2024-01-01' },
      ['/policyholder/birth_date too_young'],
    ],
    ['a licence of tomorrow', { '/drivers/0/licence/issued_on': '2026-11-22' }, ['/drivers/0/licence/issued_on in_future']],
    [
      'experience that begins tomorrow',
      { '/drivers/0/licence/experience_from': '2026-11-22' },
      ['/drivers/0/licence/experience_from in_future'],
    ],
    [
      'experience that began under age',
      { '/drivers/0/licence/experience_from': '2000-01-16' },
      ['/drivers/0/licence/experience_from experience_too_early'],
    ],
    [
      'a driver under age',
      { '/drivers/0/birth_date': '2008-11-22', '/drivers/0/licence/experience_from': undefined },
      ['/drivers/0/licence/experience_from required', '/drivers/0/birth_date too_young'],
    ],
    ['nobody who may drive', { '/drivers': [] }, ['/drivers drivers_missing']],
    ['drivers although everybody may drive', { '/unlimited_drivers': true }, ['/drivers drivers_not_wanted']],
    ['no power at all', { '/vehicle/power_hp': undefined }, ['/vehicle/power_hp power_missing']],
    ['kilowatts that are other horsepower', { '/vehicle/power_kw': 120 }, ['/vehicle/power_hp power_mismatch']],
    ['a trailer’s plate on a car', { '/vehicle/plate': 'АВ1234777' }, ['/vehicle/plate plate_of_other_kind']],
    ['a car’s plate on a motorcycle', { '/vehicle/category': 'A' }, ['/vehicle/plate plate_of_other_kind']],
    [
      'a taxi that is a lorry',
      { '/vehicle/category': 'C', '/purpose': 'taxi' },
      ['/purpose not_for_category'],
    ],
    ['an STS without its series', { '/vehicle/document/series': undefined }, ['/vehicle/document/series required']],
    ['a PTS with the series of an STS', { '/vehicle/document/type': 'pts' }, ['/vehicle/document/series bad_format']],
    [
      'an electronic passport with a series and a short number',
      { '/vehicle/document/type': 'epts' },
      ['/vehicle/document/series series_not_wanted', '/vehicle/document/number bad_format'],
    ],
    [
      'a further paper of tomorrow',
      { '/vehicle/further_documents': [{ type: 'epts', number: '123456789012345', issued_on: '2026-11-22' }] },
      ['/vehicle/further_documents/0/issued_on in_future'],
    ],
    ['a driver without any licence', { '/drivers/0/licence': undefined }, ['/drivers/0/licence required']],
    [
      'a previous licence that is younger than the present one',
      { '/drivers/0/previous_licence': { series: '1234', number: '123456', issued_on: '2026-01-01' } },
      ['/drivers/0/previous_licence/issued_on previous_licence_later'],
    ],
    [
      'days of use that end before they begin',
      { '/period/intervals': [{ from: '2026-12-10', to: '2026-12-01' }] },
      ['/period/intervals/0/to interval_reversed'],
    ],
    [
      'days of use before the policy',
      { '/period/months': 3, '/period/intervals': [{ from: '2026-11-01', to: '2027-01-31' }] },
      ['/period/intervals/0/from interval_outside_policy'],
    ],
    [
      'days of use that overlap',
      {
        '/period/months': 6,
        '/period/intervals': [{ from: '2026-12-01', to: '2027-02-28' }, { from: '2027-02-01', to: '2027-04-30' }],
      },
      ['/period/intervals/1/from intervals_overlap'],
    ],
    [
      'days of use that make other months',
      { '/period/months': 5, '/period/intervals': [{ from: '2026-12-01', to: '2027-02-28' }] },
      ['/period/months months_mismatch'],
    ],
    ['a consent of next week', { '/consents/0/given_at': '2026-11-28T09:00:00Z' }, ['/consents/0/given_at in_future']],
    ['a policy from the day after tomorrow', { '/policy_start_date': '2026-11-23' }, ['/policy_start_date start_out_of_range']],
  ])('finds %s', (_, changes, expected) => {
    expect(named(allFaults(changes))).toEqual(expected);
  });

  test.each<[string, Changes]>([
    ['a car named by its body alone', { '/vehicle/vin': undefined, '/vehicle/body_number': 'AB1234' }],
    ['a car named by its chassis alone', { '/vehicle/vin': undefined, '/vehicle/chassis_number': 'AB1234' }],
    ['a car without a plate that has only a PTS', {
      '/vehicle/plate': undefined, '/vehicle/document/type': 'pts', '/vehicle/document/series': '77АВ',
    }],
    ['everybody who may drive and nobody named', { '/unlimited_drivers': true, '/drivers': [] }],
    ['power in kilowatts alone', { '/vehicle/power_hp': undefined, '/vehicle/power_kw': 110 }],
    ['kilowatts that are the same horsepower', { '/vehicle/power_kw': 99 }],
    ['a transit plate', { '/vehicle/plate': 'АВ123С77' }],
    ['an electronic passport', {
      '/vehicle/document/type': 'epts', '/vehicle/document/series': undefined, '/vehicle/document/number': '123456789012345',
    }],
    ['a driver with a foreign licence alone', {
      '/drivers/0/licence': undefined,
      '/drivers/0/foreign_licence': { number: 'AB 1234567', country: 'KZ', issued_on: '2020-01-01', experience_from: '2010-01-01' },
    }],
    ['days of use that make the months', {
      '/period/months': 4,
      '/period/intervals': [{ from: '2026-12-01', to: '2027-02-28' }, { from: '2027-04-01', to: '2027-04-30' }],
    }],
    ['a renewed licence', { '/drivers/0/licence/issued_on': '2026-11-21', '/drivers/0/licence/experience_from': '2001-05-01' }],
  ])('passes %s', (_, changes) => {
    expect(allFaults(changes)).toEqual([]);
  });

  test('reports each driver at its own place', () => {
    const [driver] = BASE.drivers;
    const young = { ...driver, birth_date: '2010-01-01', licence: { ...driver!.licence, number: '000001', experience_from: '2026-01-01' } };
    expect(named(allFaults({ '/drivers': [driver, young] }))).toEqual([
      '/drivers/1/birth_date too_young',
      '/drivers/1/licence/experience_from experience_too_early',
    ]);
  });
});

describe('the boundary days', () => {
  const faultless = (changes: Changes, today = TODAY): boolean => allFaults(changes, today).length === 0;

  test('a person is of age on the birthday, not the day before', () => {
    const born = (day: string): Changes => ({
      '/drivers/0/birth_date': day,
      '/drivers/0/licence/experience_from': TODAY,
      '/policyholder/birth_date': day,
      '/policyholder/passport/issued_on': TODAY,
    });
    expect(faultless(born('2008-11-21'))).toBe(true);
    expect(named(allFaults(born('2008-11-22')))).toEqual([
      '/drivers/0/birth_date too_young',
      '/drivers/0/licence/experience_from experience_too_early',
      '/policyholder/birth_date too_young',
    ]);
  });

  test('a motorcycle may be driven from sixteen', () => {
    const rider = (born: string, category: string): Changes => ({
      '/vehicle/category': category,
      '/vehicle/plate': category === 'A' ? '1234АВ77' : 'А123ВС77',
      '/drivers/0/birth_date': born,
      '/drivers/0/licence/experience_from': TODAY,
    });
    expect(faultless(rider('2010-11-21', 'A'))).toBe(true);
    expect(faultless(rider('2010-11-22', 'A'))).toBe(false);
    expect(faultless(rider('2010-11-21', 'B'))).toBe(false);
  });

  test('a passport is issued on the fourteenth birthday at the earliest', () => {
    expect(faultless({ '/owner/passport/issued_on': '1996-01-17' })).toBe(true);
    expect(faultless({ '/owner/passport/issued_on': '1996-01-16' })).toBe(false);
  });

  test('one born on 29 February has the birthday on 1 March of a common year', () => {
    const born = { '/policyholder/birth_date': '2008-02-29', '/policyholder/passport/issued_on': '2024-01-01' };
    expect(faultless(born, '2026-02-28')).toBe(false);
    expect(faultless(born, '2026-03-01')).toBe(true);
  });

  test('a policy starts from the third to the sixtieth day', () => {
    const starts = (day: string): boolean => faultless({ '/policy_start_date': day });
    expect(['2026-11-23', '2026-11-24', '2027-01-20', '2027-01-21'].map(starts)).toEqual([false, true, true, false]);
  });

  test('the days of the start are settings, and the fault names them', () => {
    const value = withChanges(BASE, { '/policy_start_date': '2026-11-30' });
    const faults = applicationFaults(value, [], TODAY, {
      ...DEFAULT_RULE_SETTINGS,
      minStartOffsetDays: 0,
      maxStartOffsetDays: 8,
    });
    expect(faults).toEqual([
      {
        pointer: '/policy_start_date',
        code: 'start_out_of_range',
        detail: 'From 2026-11-21 to 2026-11-29',
        params: { from: '2026-11-21', to: '2026-11-29' },
      },
    ]);
  });

  test.each([
    '/vehicle/document/issued_on',
    '/owner/passport/issued_on',
    '/policyholder/passport/issued_on',
    '/drivers/0/licence/issued_on',
    '/drivers/0/licence/experience_from',
  ])('today is not in the future: %s', (pointer) => {
    expect(faultless({ [pointer]: TODAY })).toBe(true);
  });

  test('a car may be of the next year, as they are sold in autumn', () => {
    expect(faultless({ '/vehicle/year': 2027 })).toBe(true);
  });
});

describe('faults of shape and of sense', () => {
  test('come together', () => {
    const changes = {
      '/vehicle/vin': 'short',
      '/vehicle/year': 2090,
      '/owner/birth_date': '1982-02-30',
      '/policyholder': null,
      '/drivers/0/licence': {},
      '/policy_start_date': '2026-11-21',
    };
    expect(named(allFaults(changes))).toEqual([
      '/vehicle/vin bad_format',
      '/owner/birth_date bad_format',
      '/policyholder wrong_type',
      '/drivers/0/licence/series required',
      '/drivers/0/licence/number required',
      '/drivers/0/licence/issued_on required',
      '/drivers/0/licence/experience_from required',
      '/vehicle/year year_in_future',
      '/policy_start_date start_out_of_range',
    ]);
  });

  const everyPointer = (value: unknown, at = ''): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, member]) => [`${at}/${name}`, ...everyPointer(member, `${at}/${name}`)])
      : [];
  const wrong = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(undefined, '', '2026-02-30', '2099-01-01', '0000-01-01', '9999-12-31', -1, 0, [], {}, [null], [[]], 'x'.repeat(400)),
  );

  test('are never two at one pointer, and sense is not asked of what has no shape, whatever is spoilt', () => {
    const pointers = everyPointer(BASE);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...pointers), wrong, { maxKeys: 4 }), (changes) => {
        // What lies in a member that is spoilt as a whole is not there any more.
        const isWhole = (at: string): boolean => !Object.keys(changes).some((other) => at.startsWith(`${other}/`));
        const value = withChanges(BASE, Object.fromEntries(Object.entries(changes).filter(([at]) => isWhole(at))));
        const shape = check(value);
        const ofShape = shape.ok ? [] : shape.faults;
        const ofSense = applicationFaults(value, ofShape, TODAY);
        const pointersFound = [...ofShape, ...ofSense].map(({ pointer }) => pointer);
        expect(new Set(pointersFound).size).toBe(pointersFound.length);
        const isInside = ({ pointer }: Fault): boolean => ofShape.some((outer) => pointer.startsWith(`${outer.pointer}/`));
        expect(ofSense.filter(isInside)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  /** With every member that may be left out. */
  const COMPLETE = withChanges(BASE, {
    '/vehicle/power_kw': 99,
    '/vehicle/further_documents': [{ type: 'epts', number: '123456789012345', issued_on: '2024-01-01' }],
    '/owner/residence_address': BASE.owner.address,
    '/drivers/0/previous_licence': { series: '1234', number: '123456', issued_on: '2010-01-01', last_name: 'Другой' },
    '/drivers/0/foreign_licence': { number: 'AB 123', country: 'KZ', issued_on: '2020-01-01', experience_from: '2010-01-01' },
    '/policy_start_date': '2026-11-24',
    '/period': { months: 3, intervals: [{ from: '2026-12-01', to: '2027-02-28' }] },
    '/short_term': { reason: 'transit', days: 20 },
    '/prolongation': { policy_series: 'ХХХ', policy_number: '0166171796', insurer_id: 'alfa', ends_on: '2026-11-23' },
    '/consents/0/given_at': '2026-11-21T09:00:00Z',
  }) as Application;

  test('of an application with every member are none', () => {
    const shape = check(COMPLETE);
    expect(shape).toMatchObject({ ok: true });
    expect(applicationFaults(COMPLETE, [], TODAY)).toEqual([]);
  });

  test('of such a one are told and never thrown, whatever is spoilt', () => {
    const pointers = everyPointer(COMPLETE);
    fc.assert(
      fc.property(fc.constantFrom(...pointers), fc.constantFrom(...pointers), wrong, wrong, (one, other, first, second) => {
        const isApart = !one.startsWith(`${other}/`) && !other.startsWith(`${one}/`);
        const value = withChanges(COMPLETE, isApart ? { [one]: first, [other]: second } : { [one]: first });
        const shape = check(value);
        applicationFaults(value, shape.ok ? [] : shape.faults, TODAY);
      }),
      { numRuns: 3_000 },
    );
  });

  test('of a start at the end of all days do not stop the rules about the days of use', () => {
    const value = withChanges(COMPLETE, { '/policy_start_date': '9999-12-31' });
    expect(named(applicationFaults(value, [], TODAY))).toEqual(['/policy_start_date start_out_of_range']);
  });

  test('never throws, whatever stands in the place of an application', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const shape = check(value);
        expect(shape.ok).toBe(false);
        if (!shape.ok) applicationFaults(value, shape.faults, TODAY);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a legal entity', () => {
  const entity = sampleOfKind('legal', 1, '2026-01-15').owner;

  test('has no birthday, passport or age that could be wrong', () => {
    expect(allFaults({ '/owner': entity, '/policyholder': entity })).toEqual([]);
  });

  test('has faults of its own, not those of a person that it is not', () => {
    const wrong = { ...entity, inn: '7700000000', first_name: 'Анна' };
    expect(named(allFaults({ '/owner': wrong }))).toEqual(['/owner/first_name unknown_member', '/owner/inn bad_format']);
  });

  test('of an unknown kind is told so', () => {
    expect(named(allFaults({ '/owner/kind': 'ghost' }))).toEqual(['/owner/kind not_allowed']);
  });
});

test('two drivers do not share a licence', () => {
  const [driver] = BASE.drivers;
  expect(named(allFaults({ '/drivers': [driver, { ...driver, last_name: 'Другой' }] }))).toEqual([
    '/drivers/1/licence/number licence_twice',
  ]);
});

test('a VIN without check digit is a hint and no fault', () => {
  const withVin = (vin: string) => ({ ...BASE, vehicle: { ...BASE.vehicle, vin } });
  expect(applicationWarnings(withVin('1M8GDM9AXKP042788'))).toEqual([]);
  expect(named(applicationWarnings(withVin('1M8GDM9A1KP042788')))).toEqual(['/vehicle/vin vin_check_digit']);
  expect(allFaults({ '/vehicle/vin': '1M8GDM9A1KP042788' })).toEqual([]);
});

test.each(SAMPLE_KINDS)('a sample of the kind %s has no fault, on any day', (kind) => {
  const days = fc.integer({ min: 0, max: 3_650 }).map((day) => addDays(TODAY, day));
  fc.assert(
    fc.property(fc.nat(), days, (seed, today) => {
      const application = sampleOfKind(kind, seed, today);
      expect(check(application)).toEqual({ ok: true, value: application });
      expect(applicationFaults(application, [], today)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test('a sample has no fault, on any day', () => {
  const days = fc.integer({ min: 0, max: 3_650 }).map((day) => addDays(TODAY, day));
  fc.assert(
    fc.property(fc.nat(), days, (seed, today) => {
      const application = sampleApplication(seed, today);
      expect(check(application).ok).toBe(true);
      expect(applicationFaults(application, [], today)).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

describe('days', () => {
  test('in Moscow begin at 21:00 UTC', () => {
    expect(moscowDate(Date.parse('2026-11-21T20:59:59.999Z'))).toBe('2026-11-21');
    expect(moscowDate(Date.parse('2026-11-21T21:00:00.000Z'))).toBe('2026-11-22');
  });

  test('are added over the ends of months and years', () => {
    expect(addDays('2026-12-30', 3)).toBe('2027-01-02');
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
  });

  test('count months as begun, the last day included', () => {
    expect(begunMonths('2026-12-01', '2027-02-28')).toBe(3);
    expect(begunMonths('2026-12-01', '2027-03-01')).toBe(4);
    expect(begunMonths('2026-12-15', '2027-03-14')).toBe(3);
  });

  test('are the same a year later, but for 29 February', () => {
    expect([yearLater('2026-11-24'), yearLater('2028-02-29')]).toEqual(['2027-11-24', '2029-02-28']);
  });

  test('make full years on the same day of the year', () => {
    expect([fullYears('2000-05-10', '2018-05-09'), fullYears('2000-05-10', '2018-05-10')]).toEqual([17, 18]);
  });
});

describe('tariffAttributes', () => {
  test('count ages and experience on the first day of the policy', () => {
    const [driver] = BASE.drivers;
    const drivers = [{ ...driver!, birth_date: '1990-11-24', licence: { ...driver!.licence, experience_from: '2010-11-25' } }];
    expect(tariffAttributes({ ...BASE, drivers }, TODAY)).toMatchObject({
      policy_start_date: '2026-11-24',
      drivers: [{ age: 36, experience_years: 15 }],
    });
  });

  test('tell the rows of the tariff that category and purpose do not', () => {
    const ofVehicle = (vehicle: object) => tariffAttributes({ ...BASE, vehicle: { ...BASE.vehicle, ...vehicle } }, TODAY).vehicle_kind;
    expect(ofVehicle({})).toBeUndefined();
    expect(ofVehicle({ category: 'C', max_mass_kg: 16_000 })).toBeUndefined();
    expect(ofVehicle({ category: 'C', max_mass_kg: 16_001 })).toBe('heavy-truck');
    expect(ofVehicle({ category: 'D', passenger_seats: 16 })).toBe('minibus');
    expect(ofVehicle({ category: 'D', passenger_seats: 17 })).toBeUndefined();
    expect(ofVehicle({ category: 'D', passenger_seats: 17, regular_route: true })).toBe('route-bus');
  });

  test('say that the owner is a legal entity, and count kilowatts as horsepower', () => {
    const legal = sampleOfKind('legal', 1, '2026-01-15');
    expect(tariffAttributes(legal, TODAY)).toMatchObject({ legal_entity: true, region: legal.owner.address.region });
    const { power_hp: _, ...vehicle } = BASE.vehicle;
    expect(tariffAttributes({ ...BASE, vehicle: { ...vehicle, power_kw: 110 } }, TODAY).power_hp).toBe(149.56);
  });

  test('name a town only where the tariff does', () => {
    const living = (region: string, town: string) =>
      tariffAttributes({ ...BASE, owner: { ...BASE.owner, address: { ...BASE.owner.address, region, town } } }, TODAY).town;
    expect([living('86', 'г. Сургут'), living('54', 'бердск'), living('86', 'Малая Деревня')]).toEqual(['Сургут', 'Бердск', undefined]);
  });

  test('hold nothing that names a person', () => {
    const text = JSON.stringify(tariffAttributes(BASE, TODAY));
    const { owner, vehicle, contacts, drivers } = BASE;
    const personal = [
      owner.last_name, owner.birth_date, owner.passport.number, owner.address.text, vehicle.vin, vehicle.plate,
      contacts.phone, contacts.email, drivers[0]?.licence.number,
    ];
    expect(personal.filter((value) => value === undefined || text.includes(value))).toEqual([]);
  });
});
