import { expect, test } from '@jest/globals';
import { faultOf } from '@osago/contracts';
import { faultWords } from './fault-words.ts';
import { TEXTS } from './texts.ts';

test('a fault without a field of its own is said with the name of what it is about', () => {
  const start = faultOf('/policy_start_date', 'start_out_of_range', { from: '2026-11-24', to: '2027-01-20' });
  expect(faultWords(TEXTS.ru, start)).toBe('Начало действия: С 24.11.2026 по 20.01.2027');
  expect(faultWords(TEXTS.en, faultOf('/drivers/1/licence/number', 'required'))).toBe('Driver 2: licence number: This is needed');
  expect(faultWords(TEXTS.ru, faultOf('', 'bad_idempotency_key'))).toBe('Idempotency-Key должен быть UUID');
});
