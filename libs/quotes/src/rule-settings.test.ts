import { expect, test } from '@jest/globals';
import { DEFAULT_RULE_SETTINGS, RULE_SETTING_NAMES, settingSource } from './rule-settings.ts';

test('every setting has a default and says how sure it is', () => {
  expect(Object.keys(DEFAULT_RULE_SETTINGS)).toEqual(RULE_SETTING_NAMES);
  expect(DEFAULT_RULE_SETTINGS).toMatchObject({ minStartOffsetDays: 3, hpPerKw: 1.35962, premiumCapMultiplier: undefined });
  for (const name of RULE_SETTING_NAMES) expect(settingSource(name)).toMatch(/^[SKA]$/);
});
