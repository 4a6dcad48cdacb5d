import { describe, expect, test } from '@jest/globals';
import { sampleApplication } from '@osago/quotes';
import { maskedApplication } from './masked-application.ts';

/** Every text of a value, with the name of its member. */
const texts = (value: unknown, name = ''): [name: string, text: string][] => {
  if (typeof value === 'string') return [[name, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([member, inner]: [string, unknown]) => texts(inner, Array.isArray(value) ? name : member));
};

describe('a masked application', () => {
  test('has none of the words that name a person or a vehicle', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const application = sampleApplication(seed, '2026-11-21');
      const shown = JSON.stringify(maskedApplication(application));
      const personal = new Set([
        'last_name', 'first_name', 'middle_name', 'birth_date', 'number', 'series', 'text', 'phone', 'email', 'vin', 'plate', 'issued_on',
      ]);
      for (const [name, text] of texts(application)) {
        if (personal.has(name)) expect(shown).not.toContain(`"${text}"`);
      }
    }
  });

  test('still says which one it is', () => {
    const application = sampleApplication(1, '2026-11-21');
    const { brand, model, year } = application.vehicle;
    expect(maskedApplication(application)).toMatchObject({
      vehicle: { brand, model, year },
      purpose: application.purpose,
      contacts: { phone: `+7***${application.contacts.phone.slice(-2)}` },
    });
  });

  test('masks a member that nobody has thought of', () => {
    const application = { ...sampleApplication(1, '2026-11-21'), nickname: 'Lightning', luckyNumber: 7 };
    expect(maskedApplication(application)).toMatchObject({ nickname: '***', luckyNumber: '***' });
  });

  test('shows no more than two characters of a short number', () => {
    expect(maskedApplication({ contacts: { number: '123' } } as never)).toEqual({ contacts: { number: '***' } });
  });
});
