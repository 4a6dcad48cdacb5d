import { describe, expect, test } from '@jest/globals';
import { parseCommand, USAGE } from './arguments.ts';

const URL_OPTION = ['--url', 'http://localhost/stream'];

describe('the command line', () => {
  test('takes a URL alone', () => {
    expect(parseCommand(URL_OPTION)).toEqual({
      kind: 'run',
      command: { url: URL_OPTION[1], adapterFile: undefined, isJson: false, only: [], skip: [], limits: {} },
    });
  });

  test('takes an adapter, names of checks and limits', () => {
    const args = [...URL_OPTION, '--adapter', 'a.ts', '--json', '--only', 'retry', '--only', 'post', '--skip', 'post'];
    expect(parseCommand([...args, '--heartbeat-ms', '500', '--query-parameter', 'lastEventId'])).toMatchObject({
      command: {
        adapterFile: 'a.ts',
        isJson: true,
        only: ['retry', 'post'],
        skip: ['post'],
        limits: { heartbeatMs: 500, queryParameter: 'lastEventId' },
      },
    });
  });

  test('prints the usage, and the names of the checks', () => {
    expect(parseCommand(['--help'])).toEqual({ kind: 'print', text: USAGE });
    expect(parseCommand(['--list'])).toMatchObject({ text: expect.stringMatching(/^status {2}.*\n(?:.*\n)*drain {2}/) });
  });

  test.each([
    [[], '--url is missing'],
    [['--url', 'ftp://host/'], '--url is http or https, not "ftp://host/"'],
    [[...URL_OPTION, '--only', 'nope'], 'no check is called nope; --list names all'],
    [[...URL_OPTION, '--prompt-ms', '1e3'], '--prompt-ms is a whole number of milliseconds, not "1e3"'],
    [[...URL_OPTION, '--colour'], expect.stringContaining("Unknown option '--colour'")],
  ])('refuses %j', (args, because) => {
    expect(parseCommand(args)).toEqual({ kind: 'refused', because });
  });
});
