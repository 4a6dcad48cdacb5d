#!/usr/bin/env node
/** `npm run replay -- COMMAND`: reads the three topics, changes nothing. Exit codes stand in usage.ts. */
import { join } from 'node:path';
import { createKafkajsEventBus, KafkajsLogReader } from '@osago/event-bus';
import { createLog, systemClock } from '@osago/service-kit';
import { findAddresses } from './addresses.ts';
import { type Command, type Common, parseCommand } from './arguments.ts';
import { runCommand } from './commands.ts';
import { Database } from './database.ts';
import { createProgress } from './progress.ts';
import { StoppedError } from './replay-error.ts';

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
    clientId: 'osago-replay',
    ...(tls === 'true' && { tls: true }),
    ...(username && password && { sasl: { username, password } }),
  };
  // What comes of an error is said once, by who called.
  const log = createLog('osago-replay', 'silent');
  const bus = createKafkajsEventBus({ log }, connection);
  const reader = new KafkajsLogReader({ log }, { ...connection, rack: common.rack, rateMax: common.rateMax });
  const database = databaseUrl === undefined ? undefined : new Database(databaseUrl);
  const progress = createProgress(process.stderr, () => performance.now());
  const out = (text: string): void => {
    progress.clear();
    process.stdout.write(text);
  };
  try {
    return await runCommand({ bus, reader, database, clock: systemClock, progress, signal, json: common.json, out }, command);
  } finally {
    await bus.close();
    await database?.close();
  }
};

const STOPPED = 130;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
/** When nobody takes what is written any more, nothing else decides how this ends. */
let exitCodeOfOutput: number | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (exitCodeOfOutput !== undefined) return;
  // The reader of the pipe has seen enough, as `head` has; a disk that is full is another matter.
  exitCodeOfOutput = error.code === 'EPIPE' ? 0 : 1;
  if (exitCodeOfOutput > 0) process.stderr.write(`the output cannot be written: ${error.message}\n`);
  process.exitCode = exitCodeOfOutput;
  stop.abort();
});
// kafkajs 2.2.4 sets timers with negative delays, of which Node warns on the terminal of the analyst.
process.removeAllListeners('warning');

const parsed = parseCommand(process.argv.slice(2), Date.now(), process.env);
switch (parsed.kind) {
  case 'help':
    process.stdout.write(parsed.text);
    break;
  case 'refused':
    process.stderr.write(`${parsed.because}.\n${parsed.usage}`);
    process.exitCode = 2;
    break;
  case 'run': {
    const code = await run(parsed.command, parsed.common, stop.signal).catch((error: unknown) => {
      if (error instanceof StoppedError) return STOPPED;
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    });
    process.exitCode = exitCodeOfOutput ?? code;
  }
}
