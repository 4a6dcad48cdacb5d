/** The options of `npm run sample`, read without touching the process, so that every answer can be tested. */
import { parseArgs } from 'node:util';
import { isDate } from '@osago/contracts';
import { SAMPLE_KINDS, type SampleKind } from '@osago/quotes';

export const USAGE = `Prints a generated application for OSAGO as JSON, ready for POST /api/osago/requests.

  npm run sample -- [--seed N] [--kind KIND] [--today YYYY-MM-DD]

  --seed   a whole number from 0 on; the same seed gives the same application (default: by chance)
  --kind   ${SAMPLE_KINDS.join(', ')} (default: a car, now and then a taxi or for unlimited drivers)
  --today  the day that all dates of the application lie before (default: today, UTC)
`;

export interface SampleCommand {
  seed: number;
  today: string;
  kind?: SampleKind;
}

export type ParsedCommand =
  | { kind: 'run'; command: SampleCommand }
  | { kind: 'help' }
  | { kind: 'refused'; because: string };

const refused = (because: string): ParsedCommand => ({ kind: 'refused', because });

/** `byChance` stands in for what is left out. */
export const parseCommand = (args: readonly string[], byChance: SampleCommand): ParsedCommand => {
  let values: { seed?: string; kind?: string; today?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { seed: { type: 'string' }, kind: { type: 'string' }, today: { type: 'string' }, help: { type: 'boolean' } },
    }));
  } catch (error) {
    return refused((error as Error).message.split(/[.\n]/)[0] ?? 'the options cannot be read');
  }
  if (values.help) return { kind: 'help' };
  const { seed = String(byChance.seed), today = byChance.today } = values;
  if (!/^\d{1,15}$/.test(seed)) return refused(`--seed is a whole number of up to 15 digits, not "${seed}"`);
  if (!isDate(today)) return refused(`--today is a day such as 2026-01-15, not "${today}"`);
  const kind = SAMPLE_KINDS.find((each) => each === values.kind);
  if (values.kind !== undefined && kind === undefined) {
    return refused(`--kind is one of ${SAMPLE_KINDS.join(', ')}, not "${values.kind}"`);
  }
  return { kind: 'run', command: { seed: Number(seed), today, ...(kind !== undefined && { kind }) } };
};
