#!/usr/bin/env node
/** `npm run replay -- COMMAND`: reads the three topics, changes nothing. Exit codes stand in usage.ts. */
import { join } from 'node:path';
import { createKafkajsEventBus } from '@osago/event-bus';
import { createLog, systemClock } from '@osago/service-kit';
import { findAddresses } from './addresses.ts';
import { type Command, type Common, parseCommand } from './arguments.ts';
import { runCommand } from './commands.ts';
import { Database } from './database.ts';
import { KafkajsLogReader } from './kafkajs-log-reader.ts';
import { createProgress } from './progress.ts';

const STATE_FILE = join(import.meta.dirname, '..', '..', '..', '.platform', 'state.json');

const isOverTopics = (command: Command): boolean =>
  command.name !== 'sql' || (command.exportDir === undefined && command.ready !== 'list');

const run = async (command: Command, common: Common, signal: AbortSignal): Promise<number> => {
  const { brokers, databaseUrl } = isOverTopics(command)
    ? findAddresses(common, process.env, STATE_FILE)
    : { brokers: [], databaseUrl: undefined };
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password, KAFKA_TLS: tls } = process.env;
  const connection = {
    brokers,
    ...(tls === 'true' && { tls: true }),
    ...(username && password && { sasl: { username, password } }),
  };
  const bus = createKafkajsEventBus({ log: createLog('osago-replay', 'silent') }, { ...connection, clientId: 'osago-replay' });
  const reader = new KafkajsLogReader({ ...connection, rack: common.rack, rateMax: common.rateMax });
  const database = databaseUrl === undefined ? undefined : new Database(databaseUrl);
  const progress = createProgress(process.stderr, () => performance.now());
  const out = (text: string): void => void process.stdout.write(text);
  try {
    return await runCommand({ bus, reader, database, clock: systemClock, progress, signal, json: common.json, out }, command);
  } finally {
    await bus.close();
    await database?.close();
  }
};

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
// The reader of the pipe has seen enough, as `head` has.
process.stdout.on('error', () => process.exit(0));
// kafkajs 2.2.4 sets timers with negative delays, of which Node warns on the terminal of the analyst.
process.removeAllListeners('warning');

const parsed = parseCommand(process.argv.slice(2), Date.now(), process.env);
switch (parsed.kind) {
  case 'help':
    process.stdout.write(parsed.text);
    break;
  case 'refused':
    process.stderr.write(`${parsed.because}.\n\n${parsed.usage}`);
    process.exitCode = 2;
    break;
  case 'run':
    try {
      process.exitCode = await run(parsed.command, parsed.common, stop.signal);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
}
