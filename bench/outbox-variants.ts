/** The ways from a commit to the log that bench:outbox compares: one writer, several relays. */
import { CLOUD_EVENT_CONTENT_TYPE } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import { createMetrics, type Log, pause } from '@osago/service-kit';
import pg from 'pg';
import { Outbox, type OutboxRow } from '../apps/core-app/src/outbox.ts';
import { Relay } from '../apps/core-app/src/relay.ts';

export const PARTITIONS = 12;
/** What lies in the backlog, and what the bare client writes: as large as what the writers write. */
export const BACKLOG_BATCH = 500;
export const BACKLOG_VALUE = Buffer.alloc(640, 'x');
export const BACKLOG_HEADERS = { 'content-type': CLOUD_EVENT_CONTENT_TYPE, traceparent: 'x' };
const HEADERS = { 'content-type': CLOUD_EVENT_CONTENT_TYPE, traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
/** As large as a small event. */
const PADDING = 'x'.repeat(600);
const POLL_MS = 100;
const BATCH_MAX = 500;
const NOTIFY = 'bench_outbox';

export interface Deps {
  bus: EventBus;
  pool: pg.Pool;
  databaseUrl: string;
  topic: string;
  log: Log;
}

export interface Variant {
  name: string;
  start(): Promise<void>;
  /** One event on its way; resolves to the moment (ns) from which its delay counts. */
  write(key: string): Promise<bigint>;
  stop(): Promise<void>;
}

const valueOf = (key: string): Buffer => Buffer.from(JSON.stringify({ id: key, padding: PADDING }));
const partitionOf = (key: string): number => Number(BigInt(`0x${key.slice(0, 8)}`) % BigInt(PARTITIONS));

/** BEGIN, a business row, the outbox row, COMMIT; `claimS` seconds of claim, `notify` inside the transaction. */
const writeRow = async (
  { pool, topic }: Deps,
  key: string,
  { claimS, notify = false }: { claimS: number; notify?: boolean },
): Promise<OutboxRow> => {
  const client = await pool.connect();
  const row = { request_id: key, event_id: key, topic, partition: partitionOf(key), value: valueOf(key), traceparent: HEADERS.traceparent };
  await client.query('BEGIN');
  await client.query({ name: 'business', text: 'INSERT INTO bench_rows (id, content) VALUES ($1, $2)', values: [key, PADDING] });
  const { rows } = await client.query<{ id: string }>({
    name: 'outbox',
    text: `INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
           VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) RETURNING id`,
    values: [row.request_id, row.event_id, row.topic, row.partition, row.value, row.traceparent, claimS],
  });
  if (notify) await client.query(`NOTIFY ${NOTIFY}`);
  await client.query('COMMIT');
  client.release();
  return { id: rows[0]?.id ?? '', key, ...row };
};

const now = (): bigint => process.hrtime.bigint();

/** (a) the floor: no outbox, no database. */
export const direct = ({ bus, topic }: Deps): Variant => ({
  name: 'direct',
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  write: async (key) => {
    const startedAt = now();
    const [answer] = await bus.publish([{ topic, partition: partitionOf(key), key, value: valueOf(key), headers: HEADERS }]);
    if (!answer?.ok) throw answer?.error ?? new Error('no answer');
    return startedAt;
  },
});

/** The same inserts and nobody who publishes them. */
export const writerOnly = (deps: Deps): Variant => ({
  name: 'writer only',
  start: () => Promise.resolve(),
  stop: async () => {
    await deps.pool.query('TRUNCATE outbox');
  },
  write: async (key) => {
    await writeRow(deps, key, { claimS: 3_600 });
    return now();
  },
});

/** (b) ours: sent from memory right after the commit. */
export const ours = (deps: Deps): Variant => {
  const stop = new AbortController();
  const relay = new Relay({ ...deps, outbox: new Outbox(deps.pool), metrics: createMetrics('bench') });
  let running = Promise.resolve();
  return {
    name: 'ours',
    start: () => {
      running = relay.run(stop.signal);
      return Promise.resolve();
    },
    stop: async () => {
      stop.abort();
      await running;
    },
    write: async (key) => {
      const row = await writeRow(deps, key, { claimS: 30 });
      const committedAt = now();
      relay.send(row);
      return committedAt;
    },
  };
};

/** Claims and publishes until nothing is left; what (c) and (d) do when they are woken. */
const drain = async ({ bus }: Deps, outbox: Outbox): Promise<void> => {
  for (;;) {
    const rows = await outbox.claim(BATCH_MAX);
    if (rows.length === 0) return;
    const answers = await bus.publish(rows.map(({ topic, partition, key, value }) => ({ topic, partition, key, value, headers: HEADERS })));
    await outbox.delete(rows.filter((_, at) => answers[at]?.ok).map(({ id }) => id));
  }
};

/** (c) looks every 100 ms. */
export const polling = (deps: Deps): Variant => {
  const stop = new AbortController();
  const outbox = new Outbox(deps.pool);
  let running = Promise.resolve();
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await drain(deps, outbox);
      await pause(POLL_MS, stop.signal);
    }
    await drain(deps, outbox);
  };
  return {
    name: 'polling 100 ms',
    start: () => {
      running = run();
      return Promise.resolve();
    },
    stop: async () => {
      stop.abort();
      await running;
    },
    write: async (key) => {
      await writeRow(deps, key, { claimS: 0 });
      return now();
    },
  };
};

/** (d) is woken by NOTIFY, which each transaction sends. */
export const notified = (deps: Deps): Variant => {
  const outbox = new Outbox(deps.pool);
  const listener = new pg.Client(deps.databaseUrl);
  let isWoken = false;
  let draining: Promise<void> | undefined;
  const wake = (): void => {
    isWoken = true;
    draining ??= (async () => {
      while (isWoken) {
        isWoken = false;
        await drain(deps, outbox);
      }
      draining = undefined;
    })();
  };
  return {
    name: 'LISTEN/NOTIFY',
    start: async () => {
      await listener.connect();
      listener.on('notification', wake);
      await listener.query(`LISTEN ${NOTIFY}`);
    },
    stop: async () => {
      await listener.end();
      await draining;
      await drain(deps, outbox);
    },
    write: async (key) => {
      await writeRow(deps, key, { claimS: 0, notify: true });
      return now();
    },
  };
};
