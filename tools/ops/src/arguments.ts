/** What the operator asked for: a command, what it is about, how it is to be shown. */
import { parseArgs } from 'node:util';

export interface Asked<C extends string> {
  readonly command: C;
  /** Empty with `isAll`. */
  readonly ids: readonly string[];
  readonly isAll: boolean;
  /** Without it nothing is changed, only said. */
  readonly isMeant: boolean;
  readonly isJson: boolean;
}

/** The command line says something else than the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OPTIONS = {
  all: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** Throws {@link UsageError}. `redrive` alone takes ids, and needs them or `--all`. */
export const parseArguments = <C extends string>(args: readonly string[], commands: readonly C[]): Asked<C> => {
  const { values, positionals } = parsed(args);
  const [given = '', ...ids] = positionals;
  const command = commands.find((name) => name === given);
  if (command === undefined) throw new UsageError(`"${given}" is none of ${commands.join(', ')}`);
  if (command !== 'redrive') {
    if (ids.length > 0 || values.all || values.yes) throw new UsageError(`${command} takes no ids, no --all and no --yes`);
  } else if (ids.length > 0 === values.all) {
    throw new UsageError('redrive takes either ids, as list shows them, or --all');
  }
  return { command, ids, isAll: values.all, isMeant: values.yes, isJson: values.json };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('.')[0], { cause: error });
  }
};
