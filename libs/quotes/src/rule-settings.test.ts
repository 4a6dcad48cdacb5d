import { describe, expect, test } from '@jest/globals';
import { checker, hasFormat, RULE_VARIABLES } from '@osago/contracts';
import { DEFAULT_RULE_SETTINGS, ruleSettings } from './rule-settings.ts';

describe('every rule', () => {
  const rules = Object.entries(RULE_VARIABLES);

  test.each(rules)('%s says how sure it is, and has a default inside its bounds', (_, schema) => {
    expect(schema.description).toMatch(/\[[SKA]\]$/);
    if (schema.default !== undefined) expect(checker(schema)(schema.default).ok).toBe(true);
  });

  test('is read by decisions under a name of its own', () => {
    const camelCase = (name: string): string =>
      name.replace('RULE_', '').toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(Object.keys(DEFAULT_RULE_SETTINGS).sort()).toEqual(rules.map(([name]) => camelCase(name)).sort());
  });

  test('that is set is another, the others stay', () => {
    const set = ruleSettings({ RULE_MAX_START_OFFSET_DAYS: 90, RULE_PREMIUM_CAP_MULTIPLIER: 3, RULE_PTS_SERIES: '^x$' });
    expect(set).toMatchObject({ ...DEFAULT_RULE_SETTINGS, maxStartOffsetDays: 90, premiumCapMultiplier: 3, ptsSeries: /^x$/ });
  });
});

test('the defaults are those of the research notes', () => {
  expect(DEFAULT_RULE_SETTINGS).toMatchObject({
    minStartOffsetDays: 3, maxStartOffsetDays: 60, policyholderAgeMin: 18, passportAgeMin: 14, driverAgeMin: 18,
    motorcyclistAgeMin: 16, yearsAheadMax: 1, hpPerKw: 1.35962, firstKbmClass: 3, kbmOfDrivers: 'largest',
    legalEntityKvsFactor: 1.8, premiumCapMultiplier: undefined, premiumStepKopecks: 1, quoteValidHoursMax: 24, kbmYearStartsOn: '04-01',
  });
});

test('papers have their named formats by default', () => {
  const { eptsNumber, ptsSeries } = DEFAULT_RULE_SETTINGS;
  for (const series of ['77АВ', '7714', '77A', '']) expect(ptsSeries.test(series)).toBe(hasFormat('pts-series', series));
  for (const number of ['164301000123456', '123456', '']) expect(eptsNumber.test(number)).toBe(hasFormat('epts-number', number));
});

test.each(['02-29', '02-30', '04-31', '13-01', '4-1', '00-10'])('the year of KBM cannot begin on %s', (day) => {
  expect(checker(RULE_VARIABLES.RULE_KBM_YEAR_STARTS_ON)(day).ok).toBe(false);
});
