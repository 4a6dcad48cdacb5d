/** What was typed, checked; without touching the process, so that every answer can be tested. */
import { parseArgs } from 'node:util';
import { Check, isStatus, type OffsetSpan, type Status, STATUSES } from './argument-checks.ts';
import type { DecryptOptions } from './decryption.ts';
import { MOMENT_SHAPE, parseMoment } from './moment.ts';
import { COMMANDS, COMMON_OPTIONS, type CommandName, hintOf, isCommandName, type OptionUsage, USAGE, usageOf } from './usage.ts';

export interface Filters {
  readonly insurer?: string | undefined;
  readonly status?: Status | undefined;
}

/** `toMs` undefined: the end of the log as it is now. */
interface Moments {
  readonly fromMs: number;
  readonly toMs: number | undefined;
}

export const EXPORT_FORMATS = ['ndjson', 'csv', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** One of `query` and `ready` is given; without `exportDir` the topics are asked. */
interface SqlSources {
  readonly query: string | undefined;
  readonly ready: string | undefined;
  readonly exportDir: string | undefined;
}

export type Command =
  | ({ name: 'tail'; requestId: string | undefined } & Filters)
  | ({ name: 'show'; requestId: string; html: string | undefined; partition: number | undefined } & Moments)
  | { name: 'at'; requestId: string; atMs: number; partition: number | undefined }
  | ({ name: 'list'; partition: number | undefined; offsets: OffsetSpan | undefined } & Moments & Filters)
  | ({ name: 'verify'; topicsOnly: boolean } & Moments)
  | ({ name: 'export'; out: string; format: ExportFormat | undefined; decrypt: DecryptOptions | undefined } & Moments)
  | ({ name: 'sql'; csv: boolean } & SqlSources & Moments)
  | ({ name: 'report'; out: string; png: string | undefined } & Moments);

export interface Common {
  readonly brokers: readonly string[] | undefined;
  readonly databaseUrl: string | undefined;
  readonly rack: string | undefined;
  /** Undefined: no limit. */
  readonly rateMax: number | undefined;
  readonly json: boolean;
}

export type Parsed =
  | { kind: 'run'; command: Command; common: Common }
  | { kind: 'help'; text: string }
  | { kind: 'refused'; because: string; usage: string };

/** A tenth of what one broker gives a consumer: production does not feel it. */
const RATE_DEFAULT = 50_000;
const HOUR_MS = 3_600_000;
const REPORT_FILE = 'osago-report.html';

type Values = Readonly<Record<string, string | boolean | undefined>>;

export const parseCommand = (
  argv: readonly string[],
  nowMs: number,
  environment: Readonly<Record<string, string | undefined>> = {},
): Parsed => {
  const [name = '', ...args] = argv;
  if (name === '--help' || name === '-h' || name === 'help') return { kind: 'help', text: USAGE };
  if (!isCommandName(name)) {
    const because = name === '' ? 'A command is missing' : `There is no command "${name}"`;
    return { kind: 'refused', because, usage: USAGE };
  }
  const usage = usageOf(name);
  let given: { values: Values; positionals: string[] };
  try {
    given = readOptions(name, args);
  } catch (error) {
    const because = (error as Error).message.split(/\. |\n/)[0] ?? 'Options cannot be read';
    return { kind: 'refused', because, usage: hintOf(name) };
  }
  if (given.values['help'] === true) return { kind: 'help', text: usage };
  const check = new Check(given.values, nowMs, environment);
  const command = toCommand(name, given.positionals, check);
  const common = toCommon(check);
  return check.fault === undefined && command !== undefined
    ? { kind: 'run', command, common }
    : { kind: 'refused', because: check.fault ?? 'The command cannot be read', usage: hintOf(name) };
};

const readOptions = (name: CommandName, args: readonly string[]): { values: Values; positionals: string[] } => {
  const options = Object.entries({ ...COMMANDS[name].options, ...COMMON_OPTIONS }).map(
    ([option, { value, short }]: [string, OptionUsage]) =>
      [option, { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) }] as const,
  );
  return parseArgs({ args: [...args], allowPositionals: true, options: Object.fromEntries(options) });
};

const toCommon = (check: Check): Common => {
  const rate = check.whole('rate') ?? RATE_DEFAULT;
  return {
    brokers: check.text('brokers')?.split(',').map((broker) => broker.trim()),
    databaseUrl: check.text('database'),
    rack: check.text('rack'),
    rateMax: rate === 0 ? undefined : rate,
    json: check.flag('json'),
  };
};

const filters = (check: Check): Filters => {
  const status = check.text('status');
  if (status !== undefined && !isStatus(status)) check.refuse(`--status ${status} is none of ${STATUSES.join(', ')}`);
  return { insurer: check.insurer('insurer'), status: status as Status | undefined };
};

const moments = (check: Check, fromMs: number): Moments => {
  const from = check.moment('from') ?? fromMs;
  const toMs = check.moment('to');
  if (toMs !== undefined && toMs <= from) check.refuse('--to is not after --from');
  return { fromMs: from, toMs };
};

const lastHour = ({ nowMs }: Check): number => nowMs - HOUR_MS;

const toList = (check: Check): Command => {
  const offsets = check.span('offsets');
  const partition = check.whole('partition');
  if (offsets !== undefined && partition === undefined) check.refuse('--offsets needs --partition');
  const from = offsets === undefined ? lastHour(check) : 0;
  return { name: 'list', partition, offsets, ...filters(check), ...moments(check, from) };
};

/** Why and for whom is asked of everybody; where the audit log is, the machine may say. */
const toDecrypt = (check: Check): DecryptOptions | undefined => {
  const names = ['key', 'purpose', 'ticket', 'audit'] as const;
  if (!check.flag('decrypt')) {
    const stray = names.find((name) => check.text(name) !== undefined);
    if (stray !== undefined) check.refuse(`--${stray} goes with --decrypt`);
    return undefined;
  }
  const auditFile = check.text('audit') ?? check.environment('OSAGO_AUDIT_FILE') ?? check.required('audit');
  return { keyFile: check.required('key'), purpose: check.required('purpose'), ticket: check.required('ticket'), auditFile };
};

const toExport = (check: Check): Command => {
  const given = check.text('format');
  const format = EXPORT_FORMATS.find((candidate) => candidate === given);
  if (given !== undefined && format === undefined) check.refuse(`--format is ndjson, csv or parquet, not "${given}"`);
  return { name: 'export', out: check.required('out'), format, decrypt: toDecrypt(check), ...moments(check, 0) };
};

const toSql = ([query]: readonly string[], check: Check): Command => {
  const ready = check.text('ready');
  if ((query === undefined) === (ready === undefined)) check.refuse('Give one question: "select …" or --ready NAME');
  const exportDir = check.text('export');
  return { name: 'sql', query, ready, exportDir, csv: check.flag('csv'), ...moments(check, lastHour(check)) };
};

const toCommand = (name: CommandName, operands: readonly string[], check: Check): Command | undefined => {
  const most = { tail: 0, show: 1, at: 2, list: 0, verify: 0, export: 0, sql: 1, report: 0 }[name];
  if (operands.length > most) check.refuse(`"${operands[most]}" is more than ${name} takes`);
  switch (name) {
    case 'tail': {
      const request = check.text('request');
      return { name, ...filters(check), requestId: request === undefined ? undefined : check.requestId(request) };
    }
    case 'show':
      return {
        name,
        requestId: check.requestId(operands[0]),
        html: check.text('html'),
        partition: check.whole('partition'),
        ...moments(check, 0),
      };
    case 'at': {
      const atMs = parseMoment(operands[0] ?? '', check.nowMs);
      if (atMs === undefined) check.refuse(`"${operands[0] ?? ''}" is not ${MOMENT_SHAPE}`);
      return { name, atMs: atMs ?? 0, requestId: check.requestId(operands[1]), partition: check.whole('partition') };
    }
    case 'list':
      return toList(check);
    case 'verify':
      return { name, topicsOnly: check.flag('topics-only'), ...moments(check, lastHour(check)) };
    case 'export':
      return toExport(check);
    case 'sql':
      return toSql(operands, check);
    case 'report':
      return { name, out: check.text('out') ?? REPORT_FILE, png: check.text('png'), ...moments(check, lastHour(check)) };
  }
};
