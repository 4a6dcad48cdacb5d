import { describe, expect, test } from '@jest/globals';
import { type Application, checker, PostRequestBody } from '@osago/contracts';
import { type SampleApplication, sampleApplication } from '@osago/quotes/sample-application';
import { SAMPLE_KINDS, sampleOfKind } from '@osago/quotes';
import {
  applicationOf,
  type Draft,
  draftOf,
  DRIVERS_MAX,
  EMPTY_DRAFT,
  shownFields,
  withConsent,
  withDriver,
  withoutDriver,
  withValue,
} from './application-draft.ts';

const TODAY = '2026-11-21';
const check = checker(PostRequestBody);
const samples = Array.from({ length: 60 }, (_, seed) => sampleApplication(seed, TODAY));
const where = (holds: (sample: SampleApplication) => boolean): SampleApplication => samples.find(holds)!;
const twoDrivers = (): Draft => draftOf(where(({ drivers }) => drivers.length === 2));
const send = (draft: Draft, consents: Application['consents'] = []) =>
  JSON.parse(JSON.stringify(applicationOf(draft, consents))) as Application;

describe('a form filled in from an application', () => {
  test.each(samples.map((sample, seed) => [seed, sample] as const))('sends it unchanged (seed %i)', (_, sample) => {
    expect(send(draftOf(sample), sample.consents)).toEqual(sample);
  });

  test.each(SAMPLE_KINDS)('sends one of the kind %s unchanged', (kind) => {
    for (let seed = 0; seed < 20; seed += 1) {
      const { vehicle: { max_mass_kg: _noField, ...vehicle }, ...sample } = sampleOfKind(kind, seed, TODAY);
      expect(send(draftOf({ ...sample, vehicle }), sample.consents)).toEqual({ ...sample, vehicle });
    }
  });

  test('sends days of use as a list', () => {
    const period = { months: 3, intervals: [{ from: '2026-12-01', to: '2027-02-28' }] };
    expect(send(draftOf({ ...samples[0]!, period })).period).toEqual(period);
  });

  test('knows whether the policyholder is the owner', () => {
    const same = where(({ owner, policyholder }) => owner.last_name === policyholder.last_name);
    const other = where(({ owner, policyholder }) => owner.birth_date !== policyholder.birth_date);
    expect(draftOf(same).sameAsOwner).toBe(true);
    expect(draftOf(other).sameAsOwner).toBe(false);
  });
});

describe('the switches', () => {
  test('send the owner as the policyholder, and later what was typed for another one', () => {
    const other = draftOf(where(({ owner, policyholder }) => owner.birth_date !== policyholder.birth_date));
    const switched = send({ ...other, sameAsOwner: true });
    expect(switched.policyholder).toEqual(switched.owner);
    expect(send({ ...other, sameAsOwner: false }).policyholder).not.toEqual(switched.owner);
  });

  test('send no drivers when their number is unlimited, and keep what was typed', () => {
    const draft = twoDrivers();
    expect(send({ ...draft, unlimited: true })).toMatchObject({ unlimited_drivers: true, drivers: [] });
    expect(send({ ...draft, unlimited: false }).drivers).toHaveLength(2);
  });
});

describe('a legal entity', () => {
  test('has fields of its own, and a person’s again when it is switched back', () => {
    const draft = draftOf(samples[0]!);
    const asCompany = { ...draft, company: { owner: true, policyholder: false }, sameAsOwner: true };
    expect(send(asCompany).owner).toEqual({ kind: 'legal_entity', address: samples[0]!.owner.address });
    expect(send(asCompany).policyholder).toEqual(send(asCompany).owner);
    expect(send({ ...asCompany, company: draft.company }).owner).toEqual(samples[0]!.owner);
  });
});

describe('an electronic passport', () => {
  test('has no field for a series, and sends none that was typed before', () => {
    const draft = withValue(draftOf(samples[0]!), '/vehicle/document/type', 'epts');
    expect(shownFields(draft).some(({ pointer }) => pointer === '/vehicle/document/series')).toBe(false);
    expect(send(draft).vehicle.document).not.toHaveProperty('series');
  });
});

describe('rare objects', () => {
  test('are left out while they are empty, and asked for as a whole when one field is filled in', () => {
    const draft = draftOf(where(({ drivers }) => drivers.length === 1));
    expect(send(draft).drivers[0]).not.toHaveProperty('previous_licence');
    expect(send(draft)).not.toHaveProperty('prolongation');
    const one = withValue(draft, '/drivers/0/previous_licence/series', '99 ab');
    expect(send(one).drivers[0]?.previous_licence).toEqual({ series: '99АВ' });
    const checked = check(send(one, samples[0]!.consents));
    expect(checked.ok ? [] : checked.faults.map(({ pointer }) => pointer)).toEqual(['/drivers/0/previous_licence/number']);
  });
});

describe('a foreign licence', () => {
  const draft = draftOf(where(({ drivers }) => drivers.length === 1));
  const foreign = withValue(draft, '/drivers/0/foreign_licence/number', 'ab 123');

  test('stands in the place of the Russian one where that is empty', () => {
    const emptied = shownFields(foreign)
      .filter(({ pointer }) => pointer.startsWith('/drivers/0/licence/'))
      .reduce((held, { pointer }) => withValue(held, pointer, ''), foreign);
    expect(send(emptied).drivers[0]).toMatchObject({ foreign_licence: { number: 'AB 123' } });
    expect(send(emptied).drivers[0]).not.toHaveProperty('licence');
  });

  test('goes beside the Russian one where both are filled in', () => {
    expect(send(foreign).drivers[0]?.licence).toEqual(send(draft).drivers[0]?.licence);
  });
});

describe('the consent', () => {
  const AT = '2026-11-21T09:00:00.000Z';
  const sample = draftOf(samples[0]!);

  test.each(['/owner/last_name', '/vehicle/vin', '/drivers/0/licence/number', '/contacts/phone'])(
    'of a sample is gone when %s becomes somebody’s own',
    (pointer) => {
      expect(sample.agreed).toBe(true);
      expect(withValue(sample, pointer, 'другое')).toMatchObject({ agreed: false, isSample: false });
    },
  );

  test.each(['/period/months', '/purpose', '/vehicle/power_hp', '/policy_start_date'])(
    'of a sample stays when only %s is another',
    (pointer) => {
      expect(withValue(sample, pointer, '7')).toMatchObject({ agreed: true, isSample: true });
    },
  );

  test('of a sample stays when a value is typed that was there', () => {
    expect(withValue(sample, '/owner/last_name', samples[0]!.owner.last_name)).toMatchObject({ agreed: true });
  });

  test('of a person says when it was given, and survives a correction', () => {
    const agreed = withConsent(withValue(sample, '/owner/last_name', 'Другой'), true, AT);
    expect(agreed).toMatchObject({ agreed: true, agreedAt: AT });
    expect(withValue(agreed, '/owner/last_name', 'Третий')).toMatchObject({ agreed: true, agreedAt: AT });
    expect(withConsent(agreed, false, AT)).not.toHaveProperty('agreedAt');
  });
});

describe('a form', () => {
  test.each([['B', []], ['C', ['/vehicle/max_mass_kg']], ['D', ['/vehicle/passenger_seats', '/vehicle/regular_route']]])(
    'of category %s asks what the tariff of that category needs, and sends nothing of another',
    (category, own) => {
      const further = ['/vehicle/max_mass_kg', '/vehicle/passenger_seats', '/vehicle/regular_route'];
      const typed = { '/vehicle/max_mass_kg': '25 200', '/vehicle/passenger_seats': '17', '/vehicle/regular_route': 'true' };
      const draft = { ...EMPTY_DRAFT, values: { ...EMPTY_DRAFT.values, ...typed, '/vehicle/category': category } };
      const shown = shownFields(draft).map(({ pointer }) => pointer);
      expect(further.filter((pointer) => shown.includes(pointer))).toEqual(own);
      const sent = send(draft).vehicle as Record<string, unknown>;
      expect(further.filter((pointer) => pointer.replace('/vehicle/', '') in sent)).toEqual(own);
    },
  );

  test('sends the objects that few people need only where something is in them', () => {
    const filled = (values: Record<string, string>) => send({ ...EMPTY_DRAFT, values: { ...EMPTY_DRAFT.values, ...values } });
    expect(filled({})).not.toHaveProperty('short_term');
    expect(filled({}).owner).not.toHaveProperty('residence_address');
    expect(filled({ '/owner/residence_address/region': '50' }).owner).toMatchObject({ residence_address: { region: '50' } });
    expect(filled({ '/short_term/reason': 'transit', '/short_term/days': '20' }).short_term).toEqual({ reason: 'transit', days: 20 });
    expect(filled({ '/prolongation/insurer_id': 'alfa', '/prolongation/policy_series': 'xxx' }).prolongation).toEqual({
      insurer_id: 'alfa',
      policy_series: 'ХХХ',
    });
  });
});

describe('the list of drivers', () => {
  test('closes the gap when one is removed', () => {
    const draft = twoDrivers();
    const [, second] = send(draft).drivers;
    expect(send(withoutDriver(draft, 0)).drivers).toEqual([second]);
  });

  test('starts empty for one who is added after one was removed', () => {
    const draft = withDriver(withoutDriver(twoDrivers(), 1));
    expect(send(draft).drivers[1]).toEqual({ licence: {} });
  });

  test('grows no longer than the contract allows', () => {
    let draft = EMPTY_DRAFT;
    for (let added = 0; added < DRIVERS_MAX + 5; added += 1) draft = withDriver(draft);
    expect(draft.driverCount).toBe(DRIVERS_MAX);
    expect(PostRequestBody.properties.drivers.maxItems).toBe(DRIVERS_MAX);
  });
});

describe('an empty form', () => {
  test('lets the server name each member that is missing, by the pointer of a field', () => {
    const checked = check(send(EMPTY_DRAFT));
    const faults = checked.ok ? [] : checked.faults;
    const shown = shownFields(EMPTY_DRAFT).map(({ pointer }) => pointer);
    const inForm = faults.filter(({ pointer }) => shown.includes(pointer));
    expect(inForm.length).toBeGreaterThan(20);
    const elsewhere = faults.filter(({ pointer }) => !shown.includes(pointer)).map(({ pointer }) => pointer);
    expect(elsewhere.every((pointer) => /^\/(policyholder|consents)/.test(pointer))).toBe(true);
  });

  test('names only required fields so: the optional ones are those of the contract', () => {
    const checked = check(send({ ...EMPTY_DRAFT, sameAsOwner: false }));
    const missing = new Set(checked.ok ? [] : checked.faults.map(({ pointer }) => pointer));
    for (const { pointer, optional, rare, input } of shownFields({ ...EMPTY_DRAFT, sameAsOwner: false })) {
      if (input === 'select' || rare === true) continue;
      expect([pointer, missing.has(pointer)]).toEqual([pointer, optional !== true]);
    }
  });
});

test('a typed value is sent in its one spelling, an emptied one is left out', () => {
  const typed = withValue(withValue(twoDrivers(), '/vehicle/plate', 'a123bc77'), '/owner/middle_name', '  ');
  expect(send(typed).vehicle.plate).toBe('А123ВС77');
  expect(send(typed).owner).not.toHaveProperty('middle_name');
});
