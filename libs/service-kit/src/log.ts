/**
 * Logs by an allow-list: a member whose name is not listed here is not written, whatever the caller passes. So personal
 * data cannot reach a log by mistake. To log a new member, add its name here in the same commit.
 */
import { type Logger, pino } from 'pino';

const ALLOWED: ReadonlySet<string> = new Set([
  'request_id', 'insurer_id', 'insurers', 'event_id', 'event_type', 'attempt', 'fence', 'step', 'status', 'reason', 'revision',
  'topic', 'partition', 'partitions', 'offset', 'group', 'generation', 'records', 'rows', 'lag',
  'method', 'route', 'http_status', 'duration_ms', 'delay_ms', 'port', 'url_path', 'pod', 'service', 'signal', 'kid',
  'streams', 'close_reason', 'count', 'kind', 'version', 'code',
]);

export type LogFields = Readonly<Record<string, unknown>> & { readonly error?: unknown };

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Deeper than any cause of ours; an error may also be its own cause. */
const CAUSES_MAX = 5;
const STACK_LINES_MAX = 5;

/** Class, message and code of an error and of its causes; a message of ours never holds data of a person. */
const errorFields = (error: unknown, causes = 0): Record<string, unknown> => {
  if (!(error instanceof Error)) return { message: 'a value that is no Error was thrown' };
  const lines = error.stack?.split('\n').map((line) => line.trim());
  return {
    name: error.name,
    // JSON.parse quotes the text that it could not read.
    message: error.name === 'SyntaxError' ? 'text that cannot be read' : error.message,
    ...('code' in error && { code: error.code }),
    stack: lines?.filter((line) => line.startsWith('at ')).slice(0, STACK_LINES_MAX),
    ...(error.cause !== undefined && causes < CAUSES_MAX && { cause: errorFields(error.cause, causes + 1) }),
  };
};

const allowed = (fields: LogFields): Record<string, unknown> => {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'error') out['error'] = errorFields(value);
    else if (ALLOWED.has(name)) out[name] = value;
  }
  return out;
};

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard output. `destination` is for tests. */
export const createLog = (
  app: string,
  level: LogLevel,
  destination?: { write(line: string): void },
): Log => {
  const options = { level, base: { app }, timestamp: pino.stdTimeFunctions.isoTime };
  // Written at once. pino's own default writes in the background, and the last lines before an exit come out of order or
  // not at all: just those that say why.
  const logger: Logger = pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
  return {
    debug: (fields, message) => logger.debug(allowed(fields), message),
    info: (fields, message) => logger.info(allowed(fields), message),
    warn: (fields, message) => logger.warn(allowed(fields), message),
    error: (fields, message) => logger.error(allowed(fields), message),
  };
};
