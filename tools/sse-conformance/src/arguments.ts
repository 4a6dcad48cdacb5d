/** The options of the command, read without touching the process, so that every answer can be tested. */
import { parseArgs } from 'node:util';
import { CHECKS } from './checks/all.ts';
import { DEFAULT_LIMITS, type Limits } from './context.ts';
import { unknownNames } from './suite.ts';

export const USAGE = `Checks a server of server-sent events.

  sse-conformance --url http://host/stream [options]

  --url URL            the stream; with an adapter what that makes of it
  --adapter FILE       what only you know about the server (.ts, .js, .mjs): README, "Writing an adapter"
  --json               the results as JSON
  --only NAME          only this check; may be given several times
  --skip NAME          not this check; may be given several times
  --list               the names of all checks, and why each matters
  --heartbeat-ms N     the longest pause between two heartbeats (${DEFAULT_LIMITS.heartbeatMs})
  --prompt-ms N        the longest wait for a head or a first answer (${DEFAULT_LIMITS.promptMs})
  --settle-ms N        the longest wait for a change to reach a reader (${DEFAULT_LIMITS.settleMs})
  --query-parameter P  what stands in for the header Last-Event-ID (${DEFAULT_LIMITS.queryParameter})
  --help               this text

Exit code: 0 conformant as far as offered, 1 not conformant, 2 wrong options.
`;

export const LIST = CHECKS.map(({ name, why }) => `${name.padEnd(20)}${why}\n`).join('');

export interface Command {
  url: string;
  adapterFile: string | undefined;
  isJson: boolean;
  only: readonly string[];
  skip: readonly string[];
  limits: Partial<Limits>;
}

export type ParsedCommand =
  | { kind: 'run'; command: Command }
  | { kind: 'print'; text: string }
  | { kind: 'refused'; because: string };

const refused = (because: string): ParsedCommand => ({ kind: 'refused', because });

const OPTIONS = {
  url: { type: 'string' },
  adapter: { type: 'string' },
  json: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] as string[] },
  skip: { type: 'string', multiple: true, default: [] as string[] },
  list: { type: 'boolean', default: false },
  'heartbeat-ms': { type: 'string' },
  'prompt-ms': { type: 'string' },
  'settle-ms': { type: 'string' },
  'query-parameter': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const read = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS }).values;

const limitsOf = (values: ReturnType<typeof read>): Partial<Limits> | string => {
  const limits: Partial<Limits> = {};
  const bounds = [
    ['heartbeat-ms', 'heartbeatMs'],
    ['prompt-ms', 'promptMs'],
    ['settle-ms', 'settleMs'],
  ] as const;
  for (const [option, limit] of bounds) {
    const text = values[option];
    if (text === undefined) continue;
    if (!/^[1-9]\d{0,6}$/.test(text)) return `--${option} is a whole number of milliseconds, not "${text}"`;
    limits[limit] = Number(text);
  }
  const queryParameter = values['query-parameter'];
  return queryParameter === undefined ? limits : { ...limits, queryParameter };
};

export const parseCommand = (args: readonly string[]): ParsedCommand => {
  let values: ReturnType<typeof read>;
  try {
    values = read(args);
  } catch (error) {
    return refused((error as Error).message.split('\n')[0] ?? 'the options cannot be read');
  }
  if (values.help) return { kind: 'print', text: USAGE };
  if (values.list) return { kind: 'print', text: LIST };
  const { url, adapter, json, only, skip } = values;
  if (url === undefined) return refused('--url is missing');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return refused(`--url is http or https, not "${url}"`);
  const unknown = unknownNames([...only, ...skip]);
  if (unknown.length > 0) return refused(`no check is called ${unknown.join(', ')}; --list names all`);
  const limits = limitsOf(values);
  if (typeof limits === 'string') return refused(limits);
  return { kind: 'run', command: { url, adapterFile: adapter, isJson: json, only, skip, limits } };
};
