import { describe, expect, test } from '@jest/globals';
import { Type } from '@sinclair/typebox';
import { ConfigError, loadConfig, processMembers } from './index.ts';

const Config = Type.Object({
  NAME: Type.String({ minLength: 1, description: 'Name of the pod' }),
  PORT: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port' }),
  SHARE: Type.Number({ minimum: 0, default: 0.5, description: 'Share' }),
  FAST: Type.Boolean({ default: false, description: 'Fast' }),
  NOTE: Type.Optional(Type.String({ description: 'Note' })),
});

const GOOD = { NAME: 'a', PORT: '8080' };

const faultsOf = (load: () => unknown): readonly string[] => {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).faults;
  }
  return [];
};

describe('loadConfig', () => {
  test('reads what is set and fills in the defaults', () => {
    const env = { ...GOOD, SHARE: '0.25', FAST: 'true', NOTE: 'x', OTHER: 'ignored' };
    expect(loadConfig(Config, env)).toEqual({ NAME: 'a', PORT: 8080, SHARE: 0.25, FAST: true, NOTE: 'x' });
    expect(loadConfig(Config, GOOD)).toEqual({ NAME: 'a', PORT: 8080, SHARE: 0.5, FAST: false });
  });

  test('names every fault at once, each member once', () => {
    expect(faultsOf(() => loadConfig(Config, { PORT: '70000', SHARE: '-1', FAST: 'yes' }))).toEqual([
      'NAME is required (Name of the pod)',
      'PORT Expected integer to be less or equal to 65535 (Port)',
      'SHARE Expected number to be greater or equal to 0 (Share)',
      'FAST Expected boolean (Fast)',
    ]);
  });

  test('says all of it in one message, a line each', () => {
    const error = new ConfigError('the file', ['one', 'two']);
    expect(error.message).toBe('the file:\n  - one\n  - two');
    expect(error.name).toBe('ConfigError');
  });

  test('never repeats the value, which may be a secret', () => {
    expect(faultsOf(() => loadConfig(Config, { ...GOOD, PORT: 'hunter2' })).join()).not.toContain('hunter2');
  });

  test('takes an empty string for unset', () => {
    expect(loadConfig(Config, { ...GOOD, SHARE: '', NOTE: '' })).toEqual({
      NAME: 'a',
      PORT: 8080,
      SHARE: 0.5,
      FAST: false,
    });
    expect(faultsOf(() => loadConfig(Config, { ...GOOD, NAME: '' }))).toEqual(['NAME is required (Name of the pod)']);
  });

  test('gives a frozen result', () => {
    expect(Object.isFrozen(loadConfig(Config, GOOD))).toBe(true);
  });

  test.each(['12.5', '1e3', '0x10', '1_000', '12px', ' 12', 'NaN', 'Infinity', '--1', '.'])(
    'refuses "%s" for an integer',
    (PORT) => {
      expect(faultsOf(() => loadConfig(Config, { ...GOOD, PORT }))).toEqual([
        expect.stringMatching(/^PORT /) as unknown,
      ]);
    },
  );

  test.each([
    ['12', 12],
    ['+12', 12],
    ['007', 7],
    ['12.0', 12],
  ])('reads "%s" as the integer %d', (PORT, port) => {
    expect(loadConfig(Config, { ...GOOD, PORT }).PORT).toBe(port);
  });

  test.each([
    ['.5', 0.5],
    ['2.', 2],
    ['12.25', 12.25],
  ])('reads "%s" as the number %d', (SHARE, share) => {
    expect(loadConfig(Config, { ...GOOD, SHARE }).SHARE).toBe(share);
  });

  test.each(['1e3', '0x10', 'half'])('refuses "%s" for a number', (SHARE) => {
    expect(faultsOf(() => loadConfig(Config, { ...GOOD, SHARE }))).toHaveLength(1);
  });

  test.each(['1', 'TRUE', 'no'])('refuses "%s" for a boolean', (FAST) => {
    expect(faultsOf(() => loadConfig(Config, { ...GOOD, FAST }))).toEqual(['FAST Expected boolean (Fast)']);
  });
});

describe('the members of every app', () => {
  const App = Type.Object(processMembers('an-app'));

  test('need the private port only', () => {
    expect(loadConfig(App, { PRIVATE_PORT: '0' })).toEqual({
      PRIVATE_PORT: 0,
      POD_NAME: 'an-app',
      LOG_LEVEL: 'info',
      STOP_TIMEOUT_MS: 15_000,
    });
  });

  test('name the levels there are when another is asked for', () => {
    expect(faultsOf(() => loadConfig(App, { PRIVATE_PORT: '1', LOG_LEVEL: 'loud' }))).toEqual([
      'LOG_LEVEL Expected union value (Least level that is logged: debug, info, warn, error, silent)',
    ]);
  });
});
