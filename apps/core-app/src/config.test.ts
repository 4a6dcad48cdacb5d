import { describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '@osago/service-kit';
import { DEFAULT_RULE_SETTINGS, ruleSettings } from '@osago/quotes';
import { CoreAppConfig } from './config.ts';

const ENV = {
  PORT: '0', PRIVATE_PORT: '0', DATABASE_URL: 'x', KAFKA_BROKERS: 'x', REDIS_URL: 'x',
  LOG_KEYS_FILE: 'x', STORE_KEYS_FILE: 'x', ACCESS_KEYS_FILE: 'x',
};

describe('the rules of OSAGO in the environment', () => {
  test('are those of the tariff notes where nothing is set', () => {
    expect(ruleSettings(loadConfig(CoreAppConfig, ENV))).toEqual(DEFAULT_RULE_SETTINGS);
  });

  test('are set one by one', () => {
    const env = { ...ENV, RULE_MAX_START_OFFSET_DAYS: '90', RULE_HP_PER_KW: '1.36', RULE_EPTS_NUMBER: '^\\d{16}$' };
    expect(ruleSettings(loadConfig(CoreAppConfig, env))).toEqual({
      ...DEFAULT_RULE_SETTINGS,
      maxStartOffsetDays: 90,
      hpPerKw: 1.36,
      eptsNumber: /^\d{16}$/,
    });
  });

  test('that cannot be are all named at once', () => {
    const wrong = { RULE_MIN_START_OFFSET_DAYS: '31', RULE_POLICYHOLDER_AGE_MIN: 'old', RULE_PTS_SERIES: '(', RULE_PASSPORT_AGE_MIN: '-1' };
    let faults: readonly string[] = [];
    try {
      loadConfig(CoreAppConfig, { ...ENV, ...wrong });
    } catch (error) {
      faults = (error as ConfigError).faults;
    }
    expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual(Object.keys(wrong).sort());
  });
});
