import { describe, expect, it } from '@jest/globals';
import { sampleApplication } from '@osago/quotes';
import { encodeEvent } from '@osago/contracts';
import { findPersonalData, maskText, mayHoldPersonalData } from './personal-data.ts';
import { leg, submitted } from './replay-given.ts';

describe('the scan for personal data', () => {
  it.each([
    ['phone', 'call 79161234567 please', 'call +7916***4567 please'],
    ['phone', '+7 (916) 123-45-67', '+7916***4567'],
    ['vin', 'VIN XTT6A53PL1N6Y9372 is unknown', 'VIN XTT**********9372 is unknown'],
    ['passport', 'passport 4512 345678', 'passport 45** ****78'],
    ['passport', 'паспорт: 4512345678', 'паспорт: 45** ****78'],
    ['e-mail', 'write to anna.k@example.com', 'write to a***@***'],
  ])('finds and masks a %s', (kind, text, masked) => {
    expect(findPersonalData({ reason: { message: text } })).toMatchObject([{ kind, pointer: '/reason/message' }]);
    expect(maskText(text)).toBe(masked);
    expect(mayHoldPersonalData(text)).toBe(true);
    expect(findPersonalData(masked)).toEqual([]);
  });

  it('finds those of every generated application', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const { contacts, vehicle, owner } = sampleApplication(seed, '2026-11-21');
      const { series, number } = owner.passport;
      const texts = [contacts.phone, contacts.email, `${series} ${number}`, ...(vehicle.vin ? [vehicle.vin] : [])];
      for (const text of texts) expect({ seed, text, found: findPersonalData(`about ${text}.`).length }).toMatchObject({ found: 1 });
    }
  });

  it('takes ids, times, prices and pointers for what they are', () => {
    const members = { premium_kopecks: 555_199, missing_fields: ['/vehicle/body_number'], reason: { code: 'data_missing' } };
    const event = leg('alfa', 'needs_data', { fence: 1_763_716_845_123, members });
    expect(findPersonalData(JSON.parse(encodeEvent(event).toString()))).toEqual([]);
    expect(findPersonalData(JSON.parse(encodeEvent(submitted(['alfa'])).toString()))).toEqual([]);
    expect(findPersonalData({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' })).toEqual([]);
  });

  it('suspects text in which an escape of JSON may hide it', () => {
    expect(mayHoldPersonalData(JSON.stringify({ message: 'call:\n79161234567' }))).toBe(true);
    expect(mayHoldPersonalData(JSON.stringify({ message: 'nothing here' }))).toBe(false);
  });

  it('finds it in the names of members too', () => {
    expect(findPersonalData({ 'anna@example.com': 1 })).toMatchObject([{ kind: 'e-mail' }]);
  });
});
