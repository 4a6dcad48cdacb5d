import { describe, expect, test } from '@jest/globals';
import type { Application } from '@osago/contracts';
import { sampleApplication } from '@osago/quotes';
import fc from 'fast-check';
import { changedApplication } from './application-changes.ts';

const application = sampleApplication(1, '2026-11-21');

const changed = (changes: Record<string, unknown>): Application => {
  const result = changedApplication(application, changes);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.value as Application;
};
const refused = (changes: Record<string, unknown>): string[] => {
  const result = changedApplication(application, changes);
  return result.ok ? [] : result.faults.map(({ pointer, code }) => `${pointer} ${code}`);
};

describe('changes to an application', () => {
  test('set a value at its pointer and leave the original as it is', () => {
    const before = structuredClone(application);
    expect(changed({ '/vehicle/year': 2020 })).toEqual({ ...application, vehicle: { ...application.vehicle, year: 2020 } });
    expect(application).toEqual(before);
  });

  test('make the objects that are missing', () => {
    expect(changed({ '/prolongation/policy_number': '0166171796' }).prolongation).toEqual({ policy_number: '0166171796' });
  });

  test('append to a list with -, and by the index of its end', () => {
    const consent = { version: '2', text_sha256: 'a'.repeat(64) };
    expect(changed({ '/consents/-': consent }).consents).toEqual([...application.consents, consent]);
    expect(changed({ [`/consents/${application.consents.length}`]: consent }).consents).toEqual([...application.consents, consent]);
  });

  test('reach into an element of a list', () => {
    expect(changed({ '/consents/0/version': '2' }).consents[0]).toMatchObject({ version: '2' });
  });

  test('are read with the escapes of RFC 6901', () => {
    expect(changed({ '/vehicle/a~1b~0c': 1 }).vehicle).toMatchObject({ 'a/b~c': 1 });
  });

  test.each([
    '', 'vehicle', '/vehicle/~2', '/consents/99', '/consents/01', '/consents/x', '/consents/-1', '/vehicle/year/x', '/__proto__/x',
    '/vehicle/__proto__',
  ])('refuse the pointer %j, which leads nowhere', (pointer) => {
    expect(refused({ [pointer]: 1 })).toEqual([`${pointer} bad_pointer`]);
  });

  test('are all refused at once', () => {
    expect(refused({ '/consents/99': 1, '/vehicle/year': 2020, vehicle: 1 })).toEqual(['/consents/99 bad_pointer', 'vehicle bad_pointer']);
  });

  test('never throw and never touch what all objects share, whatever the pointers', () => {
    const token = fc.oneof(fc.constantFrom('vehicle', 'consents', '0', '-', '__proto__', 'constructor', 'prototype', ''), fc.string());
    const pointer = fc.array(token, { maxLength: 5 }).map((tokens) => tokens.map((one) => `/${one}`).join(''));
    fc.assert(
      fc.property(fc.dictionary(pointer, fc.jsonValue(), { maxKeys: 5, noNullPrototype: true }), (changes) => {
        changedApplication(application, changes);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});
