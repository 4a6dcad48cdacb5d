/** `npm run outbox -- list|redrive|stats`: rows that no try could publish, and letting them be tried again. */
import { join } from 'node:path';
import { Client } from 'pg';
import { findDatabaseUrl } from './addresses.ts';
import { type Asked, parseArguments, UsageError } from './arguments.ts';
import { outboxStats, parkedRows, unpark } from './outbox-table.ts';
import { complain, EXIT, type ExitCode, runCommand, say, sayJson, tableOf } from './run-command.ts';

const STATE_FILE = join(import.meta.dirname, '..', '..', '..', '.platform', 'state.json');
const COMMANDS = ['list', 'redrive', 'stats'] as const;
const USAGE = 'usage: npm run outbox -- list [--json] | redrive <id>…|--all [--yes] [--json] | stats [--json]';
const CONNECT_MS = 5_000;

const list = async (client: Client, { isJson }: Asked<string>): Promise<ExitCode> => {
  const rows = await parkedRows(client);
  if (isJson) sayJson(rows);
  else if (rows.length === 0) say('no row is parked');
  else {
    const cells = rows.map((row) => [
      row.id, row.event_id, `${row.topic}/${row.partition}`, row.created_at, String(row.behind), row.reason,
    ]);
    for (const line of tableOf(['id', 'event', 'partition', 'since', 'behind it', 'reason'], cells)) say(line);
  }
  return EXIT.done;
};

const redrive = async (client: Client, { ids, isAll, isMeant, isJson }: Asked<string>): Promise<ExitCode> => {
  const badId = ids.find((id) => !/^\d{1,18}$/.test(id));
  if (badId !== undefined) throw new UsageError(`"${badId}" is no id of a row`);
  const parked = await parkedRows(client);
  const chosen = isAll ? parked : parked.filter(({ id }) => ids.includes(id));
  const missing = ids.filter((id) => !chosen.some((row) => row.id === id));
  for (const id of missing) complain(`${id} is not parked`);
  if (missing.length > 0) return EXIT.failed;
  if (!isMeant) {
    for (const { id, event_id, behind } of chosen) say(`${id}: would try ${event_id} again, and ${behind} row(s) behind it`);
    say(chosen.length === 0 ? 'no row is parked' : 'nothing was changed: --yes does it');
    return chosen.length === 0 ? EXIT.done : EXIT.notMeant;
  }
  const freed = await unpark(client, chosen.map(({ id }) => id));
  if (isJson) sayJson(freed);
  else for (const id of freed) say(`${id}: is tried again`);
  return EXIT.done;
};

const stats = async (client: Client, { isJson }: Asked<string>): Promise<ExitCode> => {
  const found = await outboxStats(client);
  if (isJson) sayJson(found);
  else {
    say(`waiting ${found.waiting}, of these claimed ${found.claimed}, the oldest for ${found.oldest_age_s.toFixed(1)} s`);
    say(`parked  ${found.parked}`);
    say(`size    ${Math.ceil(found.size_bytes / 1024)} KB`);
  }
  return EXIT.done;
};

const HANDLERS = { list, redrive, stats };

await runCommand(USAGE, async () => {
  const asked = parseArguments(process.argv.slice(2), COMMANDS);
  const client = new Client({
    connectionString: findDatabaseUrl(process.env, STATE_FILE),
    connectionTimeoutMillis: CONNECT_MS,
  });
  await client.connect();
  try {
    return await HANDLERS[asked.command](client, asked);
  } finally {
    await client.end();
  }
});
