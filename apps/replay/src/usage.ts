/** What `--help` says: every command with its options and examples, from one table that the parser reads too. */

export interface OptionUsage {
  /** What stands for the value; a flag has none. */
  readonly value?: string;
  readonly short?: string;
  readonly says: string;
}

export interface CommandUsage {
  readonly operands: string;
  readonly says: string;
  readonly options: Readonly<Record<string, OptionUsage>>;
  readonly examples: readonly string[];
}

const ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
const JSON_FLAG: OptionUsage = { says: 'JSON for programs, one object a line where there are many' };
const window = (from: string): Record<string, OptionUsage> => ({
  from: { value: 'MOMENT', says: `the first moment (${from})` },
  to: { value: 'MOMENT', says: 'the first moment that does not count (now)' },
});
const filters: Record<string, OptionUsage> = {
  insurer: { value: 'SLUG', says: 'only what concerns this insurer' },
  status: { value: 'STATUS', says: 'only this status of a request or of a quote, such as partial or declined' },
};

/** Every command has these. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionUsage>> = {
  brokers: { value: 'HOST:PORT,…', says: 'the brokers ($KAFKA_BROKERS, else the platform that runs here)' },
  database: { value: 'URL', says: 'Postgres of core-app ($DATABASE_URL, else the platform that runs here)' },
  rack: { value: 'NAME', says: 'read from followers of this rack where brokers offer it' },
  rate: { value: 'N', says: 'records a second at most; 0: no limit (50000)' },
  help: { short: 'h', says: 'this text' },
};

export const COMMANDS = {
  tail: {
    operands: '',
    says: 'Follows the three topics live until Ctrl-C.',
    options: { ...filters, request: { value: 'ID', says: 'only this request' }, json: JSON_FLAG },
    examples: ['tail', 'tail --insurer alfa --status declined', 'tail --json | jq .data.premium_kopecks'],
  },
  show: {
    operands: 'REQUEST_ID',
    says: 'The timeline of one request. Reads one partition number only.',
    options: {
      html: { value: 'FILE', says: 'the same as a page' },
      ...window('the start of the log'),
      partition: { value: 'N', says: 'where the request lives, if the topics have grown since' },
      json: JSON_FLAG,
    },
    examples: [`show ${ID}`, `show ${ID} --html timeline.html`],
  },
  at: {
    operands: 'MOMENT REQUEST_ID',
    says: 'The request as the stream showed it at a past moment.',
    options: { partition: { value: 'N', says: 'where the request lives, if the topics have grown since' }, json: JSON_FLAG },
    examples: [`at 2026-11-21T09:00:12.500Z ${ID}`, `at 15m ${ID} --json`],
  },
  list: {
    operands: '',
    says: 'The requests that were accepted in a window of time, or in a span of offsets.',
    options: {
      ...window('1h'),
      ...filters,
      partition: { value: 'N', says: 'only this partition number' },
      offsets: { value: 'A..B', says: 'offsets of the requests topic, B left out; needs --partition' },
      json: JSON_FLAG,
    },
    examples: [
      'list --from 15m',
      'list --from 1h --status partial --insurer alfa',
      'list --partition 3 --offsets 120..180 --json',
    ],
  },
  verify: {
    operands: '',
    says: 'Checks topics and database against each other. Exit code 1 when something is wrong.',
    options: { ...window('1h'), 'topics-only': { says: 'leave the database out' }, json: JSON_FLAG },
    examples: ['verify', 'verify --from 2026-11-21 --json | jq .rule', 'verify --topics-only'],
  },
  export: {
    operands: '',
    says: 'Writes every record once, masked, by day and insurer. The same call again goes on where it stopped.',
    options: {
      out: { value: 'DIR', says: 'the folder; the manifest in it remembers how far it is (required)' },
      format: { value: 'ndjson|csv|parquet', says: 'how files are written (ndjson)' },
      ...window('the start of the log'),
      decrypt: { says: 'open the applications: personal data; needs the four below, and is audited' },
      key: { value: 'FILE', says: 'JWKS with the private log keys' },
      purpose: { value: 'TEXT', says: 'what it is for' },
      ticket: { value: 'ID', says: 'who allowed it' },
      audit: { value: 'FILE', says: 'the audit log, appended to ($OSAGO_AUDIT_FILE)' },
      json: JSON_FLAG,
    },
    examples: [
      'export --out exports/november --format parquet',
      'export --out exports/today --from 2026-11-21 --format csv',
      'export --out claims/OPS-17 --decrypt --key log-keys.json --ticket OPS-17 --purpose "claim of a person" --audit audit.ndjson',
    ],
  },
  sql: {
    operands: '["select …"]',
    says: 'DuckDB over an export or straight over the topics: views requests, quotes, errors, legs.',
    options: {
      ready: { value: 'NAME', says: 'a ready question instead; "list" names them' },
      export: { value: 'DIR', says: 'ask an export instead of the topics' },
      ...window('1h, over the topics'),
      csv: { says: 'CSV' },
      json: JSON_FLAG,
    },
    examples: [
      'sql "select status, count(*) from legs group by all"',
      'sql --ready conversion-by-insurer',
      'sql --export exports/november --ready timeouts-by-hour --csv',
    ],
  },
  report: {
    operands: '',
    says: 'One HTML file with charts, for those who would rather look than read.',
    options: {
      out: { value: 'FILE', says: 'the file (osago-report.html)' },
      png: { value: 'FILE', says: 'the same as a picture' },
      ...window('1h'),
      json: JSON_FLAG,
    },
    examples: ['report --from 24h --png report.png', 'report --from 2026-11-20 --to 2026-11-21 --out friday.html'],
  },
} as const satisfies Record<string, CommandUsage>;

export type CommandName = keyof typeof COMMANDS;
export const isCommandName = (text: string): text is CommandName => Object.hasOwn(COMMANDS, text);

/** Sources run in the repository, the packed form where it was installed. */
const PROGRAM = import.meta.filename.endsWith('.ts') ? 'npm run replay --' : 'osago-replay';

const optionLines = (options: Readonly<Record<string, OptionUsage>>): string[] => {
  const named = Object.entries(options).map(([name, { value, says }]) => ({
    left: value === undefined ? `--${name}` : `--${name} ${value}`,
    says,
  }));
  const width = Math.max(...named.map(({ left }) => left.length));
  return named.map(({ left, says }) => `  ${left.padEnd(width)}  ${says}`);
};

export const usageOf = (name: CommandName): string => {
  const { operands, says, options, examples }: CommandUsage = COMMANDS[name];
  return [
    `${PROGRAM} ${[name, operands].filter(Boolean).join(' ')} [options]`,
    '',
    says,
    '',
    ...optionLines({ ...options, ...COMMON_OPTIONS }),
    '',
    'Examples:',
    ...examples.map((example) => `  ${PROGRAM} ${example}`),
    '',
  ].join('\n');
};

/** After a mistake: the reason must not scroll away. */
export const hintOf = (name: CommandName): string => `${PROGRAM} ${name} --help has options and examples.\n`;

const EXIT_CODES = [
  'Exit codes: 0 done · 1 something is wrong, or the broker cannot be read · 2 bad options',
  '            130 stopped by Ctrl-C: what was written until then is not the whole',
].join('\n');

export const USAGE = [
  `${PROGRAM} COMMAND [options]`,
  '',
  'Reads the three topics, and changes nothing: no offset is committed, no insurer is asked.',
  '',
  ...Object.entries(COMMANDS).map(([name, { says }]) => `  ${name.padEnd(8)}${says}`),
  '',
  `Options and examples of a command: ${PROGRAM} COMMAND --help`,
  EXIT_CODES,
  '',
].join('\n');
