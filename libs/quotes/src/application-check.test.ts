import { describe, expect, test } from '@jest/globals';
import { Application, checker, PostRequestBody } from '@osago/contracts';
import { checkApplication } from './application-check.ts';
import { DEFAULT_RULE_SETTINGS } from './rule-settings.ts';
import { sampleApplication } from './sample-application.ts';

const TODAY = '2026-11-21';
const SAMPLE = sampleApplication(1, '2026-01-15');
const check = checker(Application);

describe('checkApplication', () => {
  test('gives the application in its one spelling', () => {
    const typed = { ...SAMPLE, vehicle: { ...SAMPLE.vehicle, plate: 'a 123 bc 77' }, contacts: { ...SAMPLE.contacts, phone: '+7 000 679-95-11' } };
    expect(checkApplication(check, typed, TODAY)).toEqual({
      ok: true,
      value: { ...SAMPLE, vehicle: { ...SAMPLE.vehicle, plate: 'А123ВС77' } },
    });
  });

  test('gives every fault of shape and of sense at once', () => {
    const wrong = { ...SAMPLE, vehicle: { ...SAMPLE.vehicle, vin: 'short', year: 2050 }, drivers: [] };
    const checked = checkApplication(check, wrong, TODAY);
    expect(checked.ok ? [] : checked.faults.map(({ code, pointer }) => `${pointer} ${code}`)).toEqual([
      '/vehicle/vin bad_format',
      '/vehicle/year year_in_future',
      '/drivers drivers_missing',
    ]);
  });

  test('takes the schema of a POST as well, and other settings', () => {
    const body = { ...SAMPLE, request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', policy_start_date: TODAY };
    expect(checkApplication(checker(PostRequestBody), body, TODAY)).toMatchObject({ ok: false, faults: [{ code: 'start_out_of_range' }] });
    const settings = { ...DEFAULT_RULE_SETTINGS, minStartOffsetDays: 0 };
    expect(checkApplication(checker(PostRequestBody), body, TODAY, settings)).toMatchObject({ ok: true, value: { request_id: body.request_id } });
  });
});
