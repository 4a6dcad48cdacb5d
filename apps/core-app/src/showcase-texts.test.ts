import { expect, test } from '@jest/globals';
import { encodeEvent, type OsagoEvent } from '@osago/contracts';
import { SharedTexts } from './showcase-texts.ts';
import { leg, submitted } from './testing-events.ts';

/** As it comes from the log: with texts of its own. */
const decoded = (event: OsagoEvent): OsagoEvent => JSON.parse(encodeEvent(event).toString()) as OsagoEvent;

test('an event says the same with shared texts', () => {
  const texts = new SharedTexts();
  for (const event of [submitted({ alpha: 60_000, beta: 90_000 }), leg('alpha', 'quoted')]) {
    expect(texts.in(decoded(event))).toEqual(event);
    expect(texts.in(decoded(event))).toEqual(event);
  }
});

test('texts beyond the bound are given back as they came', () => {
  const texts = new SharedTexts();
  const all = Array.from({ length: 2_000 }, (_, at) => `insurer-${at}`);
  expect(all.map((text) => texts.of(text))).toEqual(all);
  expect(texts.size).toBe(1_000);
});
