import { describe, expect, test } from '@jest/globals';
import { digits, latinUpper, number, phone, plain, plate } from './normalise.ts';

describe('what people type becomes one spelling', () => {
  test.each([
    [plate, 'a 123 bc 77', 'А123ВС77'],
    [plate, 'А123ВС777', 'А123ВС777'],
    [latinUpper, 'хта210990у2766389', 'XTA210990Y2766389'],
    [latinUpper, ' xta 2109-90 ', 'XTA210990'],
    [digits, '45 15', '4515'],
    [digits, '45-15', '4515'],
    [phone, '+7 (916) 123-45-67', '79161234567'],
    [phone, '8 916 123 45 67', '79161234567'],
    [phone, '916 1234567', '79161234567'],
    [phone, '+49 30 123456', '4930123456'],
    [plain, '  Анна  Мария ', 'Анна Мария'],
    [number, '87,5', 87.5],
    [number, '2 019', 2019],
  ] as const)('%p: «%s» is sent as %p', (normalise, typed, sent) => {
    expect(normalise(typed)).toBe(sent);
  });

  test.each(['много', '1e3', '0x10', '-5', '1.2.3'])('«%s» is no number and stays text', (typed) => {
    expect(number(typed)).toBe(typed);
  });
});
