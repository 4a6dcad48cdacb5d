import { describe, expect, test } from '@jest/globals';
import { type Application, checker, PostRequestBody } from '@osago/contracts';
import { sampleApplication } from '@osago/quotes/sample-application';
import {
  applicationOf,
  type Draft,
  draftOf,
  DRIVERS_MAX,
  EMPTY_DRAFT,
  shownFields,
  withDriver,
  withoutDriver,
  withValue,
} from './application-draft.ts';

const TODAY = '2026-11-21';
const check = checker(PostRequestBody);
const samples = Array.from({ length: 60 }, (_, seed) => sampleApplication(seed, TODAY));
const where = (holds: (sample: Application) => boolean): Application => samples.find(holds)!;
const twoDrivers = (): Draft => draftOf(where(({ drivers }) => drivers.length === 2));
const send = (draft: Draft, consents: Application['consents'] = []) =>
  JSON.parse(JSON.stringify(applicationOf(draft, consents))) as Application;

describe('a form filled in from an application', () => {
  test.each(samples.map((sample, seed) => [seed, sample] as const))('sends it unchanged (seed %i)', (_, sample) => {
    expect(send(draftOf(sample), sample.consents)).toEqual(sample);
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
    for (const { pointer, optional, input } of shownFields({ ...EMPTY_DRAFT, sameAsOwner: false })) {
      if (input === 'select') continue;
      expect([pointer, missing.has(pointer)]).toEqual([pointer, optional !== true]);
    }
  });
});

test('a typed value is sent in its one spelling, an emptied one is left out', () => {
  const typed = withValue(withValue(twoDrivers(), '/vehicle/plate', 'a123bc77'), '/owner/middle_name', '  ');
  expect(send(typed).vehicle.plate).toBe('А123ВС77');
  expect(send(typed).owner).not.toHaveProperty('middle_name');
});
