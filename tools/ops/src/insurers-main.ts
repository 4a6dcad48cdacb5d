/** `npm run insurers -- list|history|pause|resume|limits|breaker`: how each insurer is, and changing that while everything runs. */
import { join } from 'node:path';
import { findAggregator } from './addresses.ts';
import { type InsurerCommand, parseInsurerCommand } from './insurer-arguments.ts';
import { InsurerCalls } from './insurer-calls.ts';
import { EXIT, type ExitCode, runCommand, say, sayJson, tableOf } from './run-command.ts';

const STATE_FILE = join(import.meta.dirname, '..', '..', '..', '.platform', 'state.json');
const USAGE = [
  'usage: npm run insurers -- list [--json] | history <id> [--json]',
  '       npm run insurers -- pause|resume <id> --by NAME --reason TEXT',
  '       npm run insurers -- limits <id> [--rate N] [--burst N] [--concurrency N] | --file, with --by and --reason',
  '       npm run insurers -- breaker <id> open|closed|auto --by NAME --reason TEXT',
].join('\n');

const list = async (calls: InsurerCalls, isJson: boolean): Promise<void> => {
  const states = await calls.list();
  if (isJson) return sayJson(states);
  const rows = states.map(({ insurer_id, state, breaker, breaker_mode, limits, last_answer_at = '-' }) => [
    insurer_id,
    state,
    breaker_mode === 'auto' ? breaker : `${breaker} (${breaker_mode})`,
    `${limits.rate_per_s}/s +${limits.burst}, ${limits.concurrency} at once`,
    last_answer_at,
  ]);
  for (const line of tableOf(['insurer', 'state', 'breaker', 'limits', 'last answer'], rows)) say(line);
};

const history = async (calls: InsurerCalls, insurerId: string, isJson: boolean): Promise<void> => {
  const changes = await calls.history(insurerId);
  if (isJson) return sayJson(changes);
  if (changes.length === 0) return say('nothing was changed');
  const rows = changes.map(({ at, by, reason, ...change }) => [at, by, JSON.stringify(change), reason]);
  for (const line of tableOf(['at', 'by', 'change', 'reason'], rows)) say(line);
};

const change = async (calls: InsurerCalls, asked: Extract<InsurerCommand, { kind: 'change' }>): Promise<void> => {
  const state = await calls.change(asked.insurerId, asked.change);
  if (asked.isJson) sayJson(state);
  else say(`${state.insurer_id}: ${state.state}, breaker ${state.breaker_mode}, ${state.limits.rate_per_s}/s`);
};

await runCommand(USAGE, async (): Promise<ExitCode> => {
  const asked = parseInsurerCommand(process.argv.slice(2));
  const calls = new InsurerCalls(findAggregator(process.env, STATE_FILE));
  if (asked.kind === 'list') await list(calls, asked.isJson);
  else if (asked.kind === 'history') await history(calls, asked.insurerId, asked.isJson);
  else await change(calls, asked);
  return EXIT.done;
});
