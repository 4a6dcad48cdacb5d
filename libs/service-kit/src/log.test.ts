import { describe, expect, test } from '@jest/globals';
import { createLog, type LogFields, type LogLevel } from './log.ts';

const setup = (level: LogLevel = 'debug') => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('an-app', level, {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  return { log, lines };
};

/** What was written of `fields`. */
const written = (fields: LogFields): Record<string, unknown> => {
  const { log, lines } = setup();
  log.info(fields, 'said');
  return lines[0] ?? {};
};

describe('a line', () => {
  test('has the app, the level, the time, the listed members and the message', () => {
    expect(written({ request_id: 'r', insurer_id: 'alfa' })).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
      app: 'an-app',
      request_id: 'r',
      insurer_id: 'alfa',
      msg: 'said',
    });
  });

  test('is written from its level on', () => {
    const { log, lines } = setup('warn');
    for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]({}, 'said');
    expect(lines.map(({ level }) => level)).toEqual([40, 50]);
  });

  test('is never written when the log is silent', () => {
    const { log, lines } = setup('silent');
    log.error({ error: new Error('x') }, 'said');
    expect(lines).toEqual([]);
  });
});

describe('the allow-list', () => {
  test.each(['last_name', 'phone', 'application', 'body', 'query', 'access_token', 'url', 'err', 'Reason'])(
    'drops %s',
    (name) => {
      expect(Object.keys(written({ [name]: 'x' })).sort()).toEqual(['app', 'level', 'msg', 'time']);
    },
  );

  test('lets no word of an application through', () => {
    const application = {
      owner: { last_name: 'Иванов', passport: { series: '4512', number: '123456' } },
      vehicle: { vin: 'XTA219010L0123456', plate: 'А123ВС77' },
      contacts: { phone: '70001234567', email: 'ivanov@example.com' },
    };
    const error = Object.assign(new Error('insert failed'), { detail: application, parameters: [application] });
    const line = JSON.stringify(written({ ...application, ...application.contacts, application, error }));
    expect(line).not.toMatch(/Иванов|4512|123456|XTA|А123ВС|7000|ivanov/);
  });
});

describe('an error', () => {
  test('is written with its class, message, code, causes and the nearest five calls', () => {
    class StoreError extends Error {
      override readonly name = 'StoreError';
      readonly code = 'E42';
    }
    const { error } = written({ error: new StoreError('no row', { cause: new TypeError('no socket') }) });
    expect(error).toEqual({
      name: 'StoreError',
      message: 'no row',
      code: 'E42',
      stack: expect.any(Array) as unknown,
      cause: { name: 'TypeError', message: 'no socket', stack: expect.any(Array) as unknown },
    });
    const { stack } = error as { stack: string[] };
    expect(stack).toHaveLength(5);
    expect(stack.every((line) => line.startsWith('at '))).toBe(true);
  });

  test('shows calls only in its stack, whatever its message holds', () => {
    const { error } = written({ error: new Error('two\nlines') });
    expect((error as { stack: string[] }).stack.join()).not.toContain('lines');
  });

  test('of JSON.parse does not quote what could not be read', () => {
    const quoting = (): unknown => {
      try {
        return JSON.parse('Иванов Иван');
      } catch (error) {
        return error;
      }
    };
    expect((quoting() as Error).message).toContain('Иван');
    expect(JSON.stringify(written({ error: quoting() }))).not.toContain('Иван');
    expect(JSON.stringify(written({ error: new Error('x', { cause: quoting() }) }))).not.toContain('Иван');
  });

  test('that is its own cause is written all the same', () => {
    const error = new Error('round');
    error.cause = error;
    expect(written({ error })).toHaveProperty('error.cause.cause.message', 'round');
  });

  test.each([['a text', 'secret'], ['an object', { secret: 1 }], ['nothing', undefined]])(
    'that is %s is not shown',
    (_, thrown) => {
      expect(written({ error: thrown })['error']).toEqual({ message: 'a value that is no Error was thrown' });
    },
  );
});
