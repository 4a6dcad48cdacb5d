/** What an operator asked of the insurers. */
import { parseArgs } from 'node:util';
import { type BreakerMode, type InsurerChange, type InsurerLimits } from '@osago/contracts';
import { UsageError } from './arguments.ts';

export type InsurerCommand =
  | { kind: 'list'; isJson: boolean }
  | { kind: 'history'; insurerId: string; isJson: boolean }
  | { kind: 'change'; insurerId: string; change: InsurerChange; isJson: boolean };

const OPTIONS = {
  by: { type: 'string' },
  reason: { type: 'string' },
  rate: { type: 'string' },
  burst: { type: 'string' },
  concurrency: { type: 'string' },
  file: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('.')[0], { cause: error });
  }
};

type Values = ReturnType<typeof parsed>['values'];

const number = (name: string, text: string): number => {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`--${name} is "${text}" and no number`);
  return Number(text);
};

const limitsOf = ({ rate, burst, concurrency, file }: Values): Partial<InsurerLimits> | null => {
  const limits = {
    ...(rate !== undefined && { rate_per_s: number('rate', rate) }),
    ...(burst !== undefined && { burst: number('burst', burst) }),
    ...(concurrency !== undefined && { concurrency: number('concurrency', concurrency) }),
  };
  const isEmpty = Object.keys(limits).length === 0;
  if (isEmpty !== file) throw new UsageError('limits takes either new limits or --file, which goes back to those of the file');
  return file ? null : limits;
};

const modeOf = (text: string | undefined): BreakerMode => {
  if (text === 'open' || text === 'closed' || text === 'auto') return text;
  throw new UsageError(`a breaker is open, closed or auto, not "${text ?? ''}"`);
};

const changeOf = (command: string, rest: readonly string[], values: Values) => {
  const extra = rest.length - (command === 'breaker' ? 1 : 0);
  if (extra > 0) throw new UsageError(`"${rest.at(-1) ?? ''}" is too much`);
  switch (command) {
    case 'pause':
      return { paused: true };
    case 'resume':
      return { paused: false };
    case 'limits':
      return { limits: limitsOf(values) };
    case 'breaker':
      return { breaker: modeOf(rest[0]) };
    default:
      throw new UsageError(`"${command}" is none of list, history, pause, resume, limits, breaker`);
  }
};

/** Throws {@link UsageError}. Bounds of the limits are the aggregator's to check. */
export const parseInsurerCommand = (args: readonly string[]): InsurerCommand => {
  const { values, positionals } = parsed(args);
  const [command = '', insurerId, ...rest] = positionals;
  const { by, json: isJson, reason } = values;
  if (command === 'list' && insurerId === undefined) return { kind: 'list', isJson };
  if (insurerId === undefined) throw new UsageError(command === '' ? 'no command is given' : `${command} of which insurer?`);
  if (command === 'list') throw new UsageError(`"${insurerId}" is too much`);
  if (command === 'history') return { kind: 'history', insurerId, isJson };
  const change = changeOf(command, rest, values);
  if (by === undefined || reason === undefined) throw new UsageError('a change needs --by and --reason');
  return { kind: 'change', insurerId, change: { ...change, by, reason }, isJson };
};
