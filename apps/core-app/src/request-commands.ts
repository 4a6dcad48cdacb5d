/**
 * Commands on a request after the first: cancel, and asking one insurer again. Each locks the request row, counts the
 * revision up, and commits with its outbox row: so commands of one request are in order, in Postgres and on the log.
 */
import {
  type Application,
  type CommandEvent,
  encodeEvent,
  type EventOf,
  recordKey,
  requestEventId,
  type TariffAttributes,
  TOPICS,
} from '@osago/contracts';
import type { Keyring } from '@osago/service-kit';
import type { Pool, PoolClient } from 'pg';
import type { WatchMarks } from './fraud-watch-marks.ts';
import type { OutboxRow } from './outbox.ts';
import { askedOfPostgres } from './postgres-away.ts';
import { inTransaction } from './postgres-transaction.ts';
import { CORE_APP_SOURCE } from './request-store.ts';

export type CancelledEvent = EventOf<'osago.request.cancelled.v1'>;
export type RetryAskedEvent = EventOf<'osago.leg.retry-asked.v1'>;

export interface Cancel {
  request_id: string;
  traceparent: string;
}

export interface AskRetry {
  request_id: string;
  insurer_id: string;
  /** The one that the person has seen; the next one is asked. */
  attempt: number;
  /** From now on, by the clock of Postgres. */
  deadline_ms: number;
  /** With the person's changes. It stands nowhere in clear, and changes no other row. */
  application: Application;
  /** For the fraud watch, where something was changed. */
  marks?: WatchMarks | undefined;
  tariff: TariffAttributes;
  traceparent: string;
}

interface Asked<Event> {
  event: Event;
  partition: number;
}

export type CancelResult =
  /** Its outbox row waits for any relay's next claim. */
  | ({ kind: 'cancelled'; outbox: OutboxRow } & Asked<CancelledEvent>)
  /** No insurer was asked since the last cancel, whose event this is. */
  | ({ kind: 'unchanged' } & Asked<CancelledEvent>)
  | { kind: 'unknown' };

export type RetryResult =
  | ({ kind: 'asked'; outbox: OutboxRow } & Asked<RetryAskedEvent>)
  /** The same click came before; the answer is the first one's. */
  | ({ kind: 'replayed' } & Asked<RetryAskedEvent>)
  /** The insurer is not in the panel, or no such attempt was asked. */
  | { kind: 'conflict'; detail: string }
  | { kind: 'unknown' };

interface CommandMembers {
  request_id: string;
  revision: number;
  at: Date;
}

type CancelRow = CommandMembers & { kind: 'cancel' };
type RetryRow = CommandMembers & {
  kind: 'retry';
  insurer_id: string;
  attempt: number;
  deadline_at: Date;
  tariff: TariffAttributes;
};

interface LockedRequest {
  request_id: string;
  partition: number;
  revision: number;
  /** Rises with the revision, because it is read under the lock. */
  now: Date;
  is_member: boolean;
}

const COLUMNS = 'request_id, revision, kind, at, insurer_id, attempt, deadline_at, tariff';

const LOCK_REQUEST = `
  SELECT request_id, partition, revision, panel @> jsonb_build_array(jsonb_build_object('insurer_id', $2::text)) AS is_member
  FROM requests WHERE request_id = $1 FOR UPDATE`;

const INSERT_COMMAND = `
  WITH raised AS (
    UPDATE requests SET revision = $2 WHERE request_id = $1
  ), command AS (
    INSERT INTO request_commands (request_id, revision, kind, at, insurer_id, attempt, deadline_at, tariff, application_sealed,
                                  vehicle_mac, person_mac, taxi_plate)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $15::bytea, $16, $17)
  ), watched AS (
    INSERT INTO fraud_watch_queue (request_id, revision) SELECT $1, $2 WHERE $15::bytea IS NOT NULL
  )
  INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
  VALUES ($1, $10, $11, $12, $13, $14, '-infinity') RETURNING id`;

const envelopeOf = ({ request_id, revision, at }: CommandMembers) =>
  ({
    specversion: '1.0',
    id: requestEventId(request_id, revision),
    source: CORE_APP_SOURCE,
    subject: request_id,
    time: at.toISOString(),
    datacontenttype: 'application/json',
  }) as const;

const cancelledEvent = (row: CancelRow): CancelledEvent => ({
  ...envelopeOf(row),
  type: 'osago.request.cancelled.v1',
  data: { request_id: row.request_id, revision: row.revision },
});

/** `application_sealed` is only needed on its way to the log. */
const retryAskedEvent = (row: RetryRow, application_sealed: string): RetryAskedEvent => {
  const { request_id, revision, insurer_id, attempt, deadline_at, tariff } = row;
  return {
    ...envelopeOf(row),
    type: 'osago.leg.retry-asked.v1',
    data: { request_id, revision, insurer_id, attempt, deadline_at: deadline_at.toISOString(), tariff, application_sealed },
  };
};

/** The commands of these requests after the first, by revision; what is shown needs no application, so they have none. */
export const findCommands = async (
  db: Pool | PoolClient,
  requestIds: readonly string[],
): Promise<CommandEvent[]> => {
  const { rows } = await db.query<CancelRow | RetryRow>(
    `SELECT ${COLUMNS} FROM request_commands WHERE request_id = ANY($1::uuid[]) ORDER BY request_id, revision`,
    [requestIds],
  );
  return rows.map((row) => (row.kind === 'cancel' ? cancelledEvent(row) : retryAskedEvent(row, '')));
};

export class RequestCommands {
  readonly #pool: Pool;
  readonly #logKeys: Keyring;
  readonly #storeKeys: Keyring;

  constructor(deps: { pool: Pool; logKeys: Keyring; storeKeys: Keyring }) {
    this.#pool = deps.pool;
    this.#logKeys = deps.logKeys;
    this.#storeKeys = deps.storeKeys;
  }

  /**
   * Ends every leg that has no outcome. Whether the request is finished is the caller's look at what is shown: a cancel
   * of a finished one changes nothing. Throws {@link PostgresAwayError}.
   */
  cancelRequest({ request_id, traceparent }: Cancel): Promise<CancelResult> {
    return this.#locked<CancelResult>({ request_id }, async (client, request) => {
      const { rows } = await client.query<CancelRow | RetryRow>(
        `SELECT ${COLUMNS} FROM request_commands WHERE request_id = $1 ORDER BY revision DESC LIMIT 1`,
        [request_id],
      );
      const [last] = rows;
      if (last?.kind === 'cancel') return { kind: 'unchanged', event: cancelledEvent(last), partition: request.partition };
      const row: CancelRow = { ...next(request), kind: 'cancel' };
      const event = cancelledEvent(row);
      const outbox = await this.#insert(client, row, { ...request, event, traceparent });
      return { kind: 'cancelled', event, outbox, partition: request.partition };
    });
  }

  /**
   * Asks one insurer again. Whether its quote may be asked again is the caller's look at what is shown; here only the
   * attempts count, so of clicks that come at once one is the command. Throws {@link PostgresAwayError}.
   */
  askRetry(asked: AskRetry): Promise<RetryResult> {
    const { request_id, insurer_id, tariff } = asked;
    const attempt = asked.attempt + 1;
    return this.#locked<RetryResult>({ request_id, insurer_id }, async (client, request) => {
      if (!request.is_member) return { kind: 'conflict', detail: 'this insurer was not asked' };
      const { rows } = await client.query<RetryRow>(
        `SELECT ${COLUMNS} FROM request_commands WHERE request_id = $1 AND insurer_id = $2 ORDER BY attempt`,
        [request_id, insurer_id],
      );
      const before = rows.find((row) => row.attempt === attempt);
      if (before !== undefined) {
        return { kind: 'replayed', event: retryAskedEvent(before, ''), partition: request.partition };
      }
      if (attempt !== (rows.at(-1)?.attempt ?? 1) + 1) {
        return { kind: 'conflict', detail: `attempt ${asked.attempt} was never asked` };
      }
      const text = JSON.stringify(asked.application);
      const [forLog, forStore] = await Promise.all([this.#logKeys.seal(text), this.#storeKeys.seal(text)]);
      const deadline_at = new Date(request.now.getTime() + asked.deadline_ms);
      const row: RetryRow = { ...next(request), kind: 'retry', insurer_id, attempt, deadline_at, tariff };
      const event = retryAskedEvent(row, forLog);
      const outbox = await this.#insert(client, { ...row, application_sealed: forStore, marks: asked.marks }, { ...request, event, traceparent: asked.traceparent });
      return { kind: 'asked', event, outbox, partition: request.partition };
    });
  }

  /** As the newest command that carries one has it: what changes are merged into. Undefined for an unknown request. */
  async openApplication(requestId: string): Promise<Application | undefined> {
    const { rows } = await askedOfPostgres(
      this.#pool.query<{ sealed: string }>(
        `SELECT sealed FROM (
           SELECT 1 AS revision, application_sealed AS sealed FROM requests WHERE request_id = $1
           UNION ALL SELECT revision, application_sealed FROM request_commands WHERE request_id = $1 AND kind = 'retry'
         ) AS given ORDER BY revision DESC LIMIT 1`,
        [requestId],
      ),
    );
    const [row] = rows;
    return row && (JSON.parse(await this.#storeKeys.open(row.sealed)) as Application);
  }

  #locked<T>(
    { request_id, insurer_id = '' }: { request_id: string; insurer_id?: string },
    work: (client: PoolClient, request: LockedRequest) => Promise<T>,
  ): Promise<T | { kind: 'unknown' }> {
    return askedOfPostgres(
      inTransaction(this.#pool, async (client) => {
        const found = await client.query<Omit<LockedRequest, 'now'>>(LOCK_REQUEST, [request_id, insurer_id]);
        // A statement of its own: the one that locks may have waited for another command.
        const timed = await client.query<Pick<LockedRequest, 'now'>>(`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`);
        const [[request], [time]] = [found.rows, timed.rows];
        if (request === undefined || time === undefined) return { kind: 'unknown' } as const;
        return work(client, { ...request, ...time });
      }),
    );
  }

  async #insert(
    client: PoolClient,
    command: CancelRow | (RetryRow & { application_sealed: string; marks: WatchMarks | undefined }),
    { event, partition, traceparent }: { event: CancelledEvent | RetryAskedEvent; partition: number; traceparent: string },
  ): Promise<OutboxRow> {
    const { request_id, revision } = command;
    const row = { request_id, event_id: event.id, topic: TOPICS.requests, partition, value: encodeEvent(event), traceparent };
    const retry =
      command.kind === 'cancel'
        ? [null, null, null, null, null]
        : [command.insurer_id, command.attempt, command.deadline_at, JSON.stringify(command.tariff), command.application_sealed];
    const marks = command.kind === 'retry' ? command.marks : undefined;
    const { rows } = await client.query<{ id: string }>(INSERT_COMMAND, [
      request_id, revision, command.kind, command.at, ...retry,
      row.event_id, row.topic, partition, row.value, traceparent,
      marks?.vehicle_mac, marks?.person_mac, marks?.taxi_plate,
    ]);
    const [inserted] = rows;
    if (inserted === undefined) throw new Error(`the outbox row of ${event.id} was not inserted`);
    return { ...row, ...inserted, key: recordKey(event) };
  }
}

const next = ({ request_id, revision, now }: LockedRequest): CommandMembers => ({
  request_id,
  revision: revision + 1,
  at: now,
});
