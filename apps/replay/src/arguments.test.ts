import { describe, expect, it } from '@jest/globals';
import { parseCommand } from './arguments.ts';
import { COMMANDS, type CommandName } from './usage.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
const parse = (...argv: string[]) => parseCommand(argv, NOW_MS);
const commandOf = (...argv: string[]) => {
  const parsed = parse(...argv);
  if (parsed.kind !== 'run') throw new Error(`not understood: ${argv.join(' ')} ${JSON.stringify(parsed)}`);
  return parsed.command;
};
const refusalOf = (...argv: string[]): string => {
  const parsed = parse(...argv);
  return parsed.kind === 'refused' ? parsed.because : `not refused: ${argv.join(' ')}`;
};
const words = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

describe('the command line', () => {
  it('understands every example of its own help', () => {
    for (const [name, { examples }] of Object.entries(COMMANDS)) {
      for (const example of examples) {
        const [typed = ''] = example.split(' | ');
        expect({ example, name: commandOf(...words(typed)).name }).toEqual({ example, name });
      }
    }
  });

  it('shows options and examples of each command', () => {
    for (const name of Object.keys(COMMANDS) as CommandName[]) {
      const parsed = parse(name, '--help');
      expect(parsed).toMatchObject({ kind: 'help', text: expect.stringContaining('Examples:') });
      expect(parse(name, '-h')).toEqual(parsed);
    }
    expect(parse('--help')).toMatchObject({ kind: 'help', text: expect.stringContaining('Exit codes') });
  });

  it('reads moments as times, days, and how long ago', () => {
    expect(commandOf('list', '--from', '15m', '--to', 'now')).toMatchObject({ fromMs: NOW_MS - 900_000, toMs: NOW_MS });
    expect(commandOf('list', '--from', '2026-11-20')).toMatchObject({ fromMs: Date.parse('2026-11-20T00:00:00Z'), toMs: undefined });
    expect(commandOf('at', '2026-11-21T11:30:00+03:00', ID)).toMatchObject({ atMs: NOW_MS - 1_800_000, requestId: ID });
  });

  it('looks at the last hour, or at the whole log where one request or an export is wanted', () => {
    expect(commandOf('list')).toMatchObject({ fromMs: NOW_MS - 3_600_000 });
    expect(commandOf('show', ID)).toMatchObject({ fromMs: 0 });
    expect(commandOf('export', '--out', 'x')).toMatchObject({ fromMs: 0, format: undefined });
  });

  it('limits the rate unless told otherwise', () => {
    expect(parse('tail')).toMatchObject({ common: { rateMax: 50_000 } });
    expect(parse('tail', '--rate', '0')).toMatchObject({ common: { rateMax: undefined } });
    expect(parse('tail', '--brokers', 'a:1, b:2')).toMatchObject({ common: { brokers: ['a:1', 'b:2'] } });
  });

  it.each([
    [['nope'], 'There is no command "nope"'],
    [[], 'A command is missing'],
    [['show'], 'A request id is missing'],
    [['show', 'x'], '"x" is not a request id: they are UUIDs'],
    [['show', ID, ID], `"${ID}" is more than show takes`],
    [['list', '--from', 'yesterday'], '--from yesterday is not a moment'],
    [['list', '--from', '1h', '--to', '2h'], '--to is not after --from'],
    [['list', '--status', 'good'], '--status good is none of waiting, submitted,'],
    [['list', '--offsets', '1..5'], '--offsets needs --partition'],
    [['list', '--partition', '1', '--offsets', '5..1'], '--offsets 5..1 is not a span'],
    [['list', '--nope'], "Unknown option '--nope'"],
    [['export'], '--out is missing'],
    [['export', '--out', 'x', '--format', 'xml'], '--format is ndjson, csv or parquet, not "xml"'],
    [['export', '--out', 'x', '--decrypt', '--purpose', 'a', '--ticket', 'b', '--audit', 'c'], '--key is missing'],
    [['export', '--out', 'x', '--decrypt', '--key', 'k', '--ticket', 'b', '--audit', 'c'], '--purpose is missing'],
    [['export', '--out', 'x', '--decrypt', '--key', 'k', '--purpose', 'a', '--audit', 'c'], '--ticket is missing'],
    [['export', '--out', 'x', '--decrypt', '--key', 'k', '--purpose', 'a', '--ticket', 'b'], '--audit is missing'],
    [['export', '--out', 'x', '--key', 'k'], '--key goes with --decrypt'],
    [['sql'], 'Give one question'],
    [['sql', 'select 1', '--ready', 'x'], 'Give one question'],
    [['tail', '--rate', '1e3'], '--rate 1e3 is not a whole number'],
  ])('refuses %j in one sentence, and says where the usage is', (argv, because) => {
    expect(refusalOf(...argv)).toContain(because);
    expect(refusalOf(...argv)).not.toContain('\n');
    expect(parse(...argv)).toMatchObject({ usage: expect.stringContaining('npm run replay --') });
  });
});
