/** `npm run dead-letters -- list|redrive`: what consumers could not decode or apply, and sending it to them again. */
import { join } from 'node:path';
import { createKafkajsEventBus } from '@osago/event-bus';
import { createLog } from '@osago/service-kit';
import { findBrokers } from './addresses.ts';
import { type Asked, parseArguments } from './arguments.ts';
import { DeadLetterBox, whyNot } from './dead-letter-box.ts';
import { complain, EXIT, type ExitCode, runCommand, say, sayJson, tableOf } from './run-command.ts';

const STATE_FILE = join(import.meta.dirname, '..', '..', '..', '.platform', 'state.json');
const COMMANDS = ['list', 'redrive'] as const;
const USAGE = 'usage: npm run dead-letters -- list [--json] | redrive <id>…|--all [--yes] [--json]';

const list = async (box: DeadLetterBox, { isJson }: Asked<string>): Promise<ExitCode> => {
  const { letters, unreadable } = await box.list();
  if (isJson) sayJson(letters);
  else if (letters.length === 0) say('there are no dead letters');
  else {
    const rows = letters.map(({ id, buried_at, value_bytes, reason }) => [id, buried_at, String(value_bytes), reason]);
    for (const line of tableOf(['id', 'buried at', 'bytes', 'reason'], rows)) say(line);
  }
  if (unreadable > 0) complain(`${unreadable} record(s) of the topic are no dead letters`);
  return EXIT.done;
};

const redrive = async (box: DeadLetterBox, { ids, isAll, isMeant, isJson }: Asked<string>): Promise<ExitCode> => {
  const { found, missing } = await box.find(isAll ? 'all' : ids);
  for (const id of missing) complain(`${id} is not among the dead letters`);
  if (missing.length > 0) return EXIT.failed;
  if (!isMeant) {
    for (const letter of found) {
      const because = whyNot(letter);
      const { topic, partition, value_bytes } = letter.data;
      say(`${letter.id}: ${because ?? `would publish ${value_bytes} bytes to ${topic}/${partition}`}`);
    }
    say(found.length === 0 ? 'there are no dead letters' : 'nothing was published: --yes does it');
    return found.length === 0 ? EXIT.done : EXIT.notMeant;
  }
  const results = await box.redrive(found);
  if (isJson) sayJson(results.map((result) => (result.ok ? { ...result, offset: Number(result.offset) } : result)));
  for (const result of results) {
    if (!result.ok) complain(`${result.id}: ${result.because}`);
    else if (!isJson) say(`${result.id}: published at offset ${result.offset}`);
  }
  return results.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
};

// kafkajs 2.2.4 sets timers with negative delays, of which Node warns on the operator's terminal.
process.removeAllListeners('warning');
await runCommand(USAGE, async () => {
  const asked = parseArguments(process.argv.slice(2), COMMANDS);
  const brokers = findBrokers(process.env, STATE_FILE);
  const bus = createKafkajsEventBus({ log: createLog('ops', 'silent') }, { brokers, clientId: 'osago-ops' });
  try {
    const box = new DeadLetterBox(bus);
    return await (asked.command === 'list' ? list(box, asked) : redrive(box, asked));
  } finally {
    await bus.close();
  }
});
