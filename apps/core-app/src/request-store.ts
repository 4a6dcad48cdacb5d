/**
 * Requests in Postgres. A request, its vehicle and drivers, its idempotency rows and its outbox row commit in one
 * transaction, dated by Postgres: a committed request is a fact of the log to come.
 */
import { createHash } from 'node:crypto';
import {
  type Application,
  encodeEvent,
  type EventOf,
  type PanelMember,
  recordKey,
  requestEventId,
  type TariffAttributes,
  TOPICS,
} from '@osago/contracts';
import { partitionFor } from '@osago/event-bus';
import type { Keyring } from '@osago/service-kit';
import type { Pool, PoolClient } from 'pg';
import type { WatchMarks } from './fraud-watch-marks.ts';
import { BORN_CLAIM_S, type OutboxRow } from './outbox.ts';
import { askedOfPostgres, PostgresAwayError } from './postgres-away.ts';

export const CORE_APP_SOURCE = '/osago/core-app';
/** A person waits a minute; an insurer's own deadline may be shorter. */
export const REQUEST_DEADLINE_MS = 60_000;

export type SubmittedEvent = EventOf<'osago.request.submitted.v1'>;

/** What of a stored request is needed to answer for it. */
export interface StoredRequest {
  request_id: string;
  partition: number;
  accepted_at: string;
  deadline_at: string;
  panel: PanelMember[];
  tariff: TariffAttributes;
}

export interface Submission extends WatchMarks {
  request_id: string;
  /** Given by the caller; each replays alone. */
  idempotency: readonly { scope: 'key' | 'request'; key: string }[];
  body_mac: Buffer;
  owner_mac: Buffer;
  /** Of the application without contacts and consents. */
  content_mac: Buffer;
  /** What the same owner sent before counts as this one; undefined where the caller gave a key of its own. */
  twin?: TwinSearch | undefined;
  application: Application;
  tariff: TariffAttributes;
  insurers: readonly { insurer_id: string; name: string; deadline_ms: number }[];
  traceparent: string;
}

export interface TwinSearch {
  /** The owner by every key that may have been in use. */
  owner_macs: readonly Buffer[];
  /** Requests of the same content that are known to have ended. */
  ended: readonly string[];
}

export type SubmitResult =
  | { kind: 'created'; request: StoredRequest; event: SubmittedEvent; outbox: OutboxRow }
  | { kind: 'replayed'; request: StoredRequest }
  /** The same content of the same owner, sent a moment ago. Whether it is still in progress is the caller's look. */
  | { kind: 'twin'; request: StoredRequest }
  | { kind: 'conflict'; detail: string };

export interface RequestRow {
  request_id: string;
  partition: number;
  accepted_at: Date;
  deadline_at: Date;
  panel: PanelMember[];
  tariff: TariffAttributes;
}

/** A row of {@link REQUEST_COLUMNS} as the rest of the app knows it. */
export const storedRequest = (row: RequestRow): StoredRequest => ({
  ...row,
  accepted_at: row.accepted_at.toISOString(),
  deadline_at: row.deadline_at.toISOString(),
});

export const REQUEST_COLUMNS = 'request_id, partition, accepted_at, deadline_at, panel, tariff';

/** The submitted event of a committed request; `application_sealed` is only needed on its way to the log. */
export const submittedEvent = (
  request: StoredRequest,
  application_sealed: string,
): SubmittedEvent => ({
  specversion: '1.0',
  id: requestEventId(request.request_id, 1),
  source: CORE_APP_SOURCE,
  type: 'osago.request.submitted.v1',
  subject: request.request_id,
  time: request.accepted_at,
  datacontenttype: 'application/json',
  data: {
    request_id: request.request_id,
    revision: 1,
    accepted_at: request.accepted_at,
    deadline_at: request.deadline_at,
    panel: request.panel,
    tariff: request.tariff,
    application_sealed,
  },
});

/** No request is in progress longer than its deadline and the grace of the clock; a retry makes it run on from then. */
const TWIN_MS = 2 * REQUEST_DEADLINE_MS;

/** A statement of its own after the lock: it sees what the one before it has committed. */
const FIND_TWIN = `
  SELECT ${REQUEST_COLUMNS} FROM requests
  WHERE owner_mac = ANY($1::bytea[]) AND accepted_at > clock_timestamp() - $4 * interval '1 ms'
    AND content_mac = $2 AND request_id <> ALL($3::uuid[])
  ORDER BY accepted_at DESC LIMIT 1`;

const INSERT_KEYS = `
  INSERT INTO idempotency_keys (scope, key, body_mac, request_id)
  SELECT scope, key, $3, $4 FROM unnest($1::text[], $2::uuid[]) AS given (scope, key)
  ON CONFLICT DO NOTHING RETURNING scope`;

const INSERT_REQUEST = `
  WITH request AS (
    INSERT INTO requests (request_id, partition, revision, accepted_at, deadline_at, panel, tariff,
                          owner_mac, application_sealed, vehicle_mac, person_mac, taxi_plate, content_mac)
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $23, $24, $25, $26) ON CONFLICT DO NOTHING RETURNING request_id
  ), vehicle AS (
    INSERT INTO vehicles (request_id, category, brand, model, year, power_hp, identity_sealed)
    SELECT request_id, $9, $10, $11, $12::integer, $13::numeric, $14 FROM request
  ), driver AS (
    INSERT INTO drivers (request_id, position, age, experience_years, person_sealed)
    SELECT request_id, position, age, experience_years, person_sealed
    FROM request, unnest($15::integer[], $16::integer[], $17::integer[], $18::text[])
         AS given (position, age, experience_years, person_sealed)
  ), watched AS (
    INSERT INTO fraud_watch_queue (request_id) SELECT request_id FROM request
  )
  INSERT INTO outbox (request_id, event_id, topic, partition, value, traceparent, claimed_until)
  SELECT request_id, $19, $20, $2::integer, $21::bytea, $22, now() + interval '${BORN_CLAIM_S} s'
  FROM request RETURNING id`;

export class RequestStore {
  readonly #pool: Pool;
  readonly #logKeys: Keyring;
  readonly #storeKeys: Keyring;

  constructor(deps: { pool: Pool; logKeys: Keyring; storeKeys: Keyring }) {
    this.#pool = deps.pool;
    this.#logKeys = deps.logKeys;
    this.#storeKeys = deps.storeKeys;
  }

  /** Throws {@link PostgresAwayError}; then nothing is stored, or everything is: the same key finds out. */
  submit(submission: Submission): Promise<SubmitResult> {
    return askedOfPostgres(this.#submit(submission));
  }

  async #submit(submission: Submission): Promise<SubmitResult> {
    const client = await this.#pool.connect();
    try {
      const result = await this.#submitIn(client, submission);
      await client.query(result.kind === 'created' ? 'COMMIT' : 'ROLLBACK');
      client.release();
      return result;
    } catch (error) {
      // The connection may be in any state: it is not used again.
      client.release(true);
      throw error;
    }
  }

  async #submitIn(client: PoolClient, submission: Submission): Promise<SubmitResult> {
    const { request_id, idempotency } = submission;
    const begun = (await client.query(
      `BEGIN; SELECT date_trunc('milliseconds', now()) AS now, partitions FROM platform_epoch`,
    )) as unknown as [unknown, { rows: { now: Date; partitions: number }[] }];
    const [platform] = begun[1].rows;
    if (platform === undefined) throw new PostgresAwayError('no epoch: `topics apply` has not been run');
    if (idempotency.length > 0) {
      const inserted = await client.query(INSERT_KEYS, [
        idempotency.map(({ scope }) => scope),
        idempotency.map(({ key }) => key),
        submission.body_mac,
        request_id,
      ]);
      if (inserted.rowCount !== idempotency.length) return this.#replay(client, submission);
    }
    const twin = submission.twin && (await this.#findTwin(client, submission.content_mac, submission.twin));
    if (twin !== undefined) return { kind: 'twin', request: twin };
    const request = storedRequest({
      request_id,
      partition: partitionFor(request_id, platform.partitions),
      accepted_at: platform.now,
      deadline_at: new Date(platform.now.getTime() + REQUEST_DEADLINE_MS),
      panel: submission.insurers.map(({ insurer_id, name, deadline_ms }) => ({
        insurer_id,
        name,
        deadline_at: new Date(platform.now.getTime() + deadline_ms).toISOString(),
      })),
      tariff: submission.tariff,
    });
    return this.#insert(client, submission, request);
  }

  async #insert(
    client: PoolClient,
    { application, tariff, owner_mac, content_mac, traceparent, vehicle_mac, person_mac, taxi_plate }: Submission,
    request: StoredRequest,
  ): Promise<SubmitResult> {
    const { vehicle, drivers } = application;
    const text = JSON.stringify(application);
    const { vin, plate, body_number, chassis_number, document } = vehicle;
    const identity = JSON.stringify({ vin, plate, body_number, chassis_number, document });
    const [forLog, forStore, identitySealed, ...driversSealed] = await Promise.all([
      this.#logKeys.seal(text),
      this.#storeKeys.seal(text),
      this.#storeKeys.seal(identity),
      ...drivers.map((driver) => this.#storeKeys.seal(JSON.stringify(driver))),
    ]);
    const event = submittedEvent(request, forLog);
    const row = {
      request_id: request.request_id,
      event_id: event.id,
      topic: TOPICS.requests,
      partition: request.partition,
      key: recordKey(event),
      value: encodeEvent(event),
      traceparent,
    };
    const inserted = await client.query<{ id: string }>(INSERT_REQUEST, [
      request.request_id, request.partition, request.accepted_at, request.deadline_at,
      JSON.stringify(request.panel), JSON.stringify(tariff), owner_mac, forStore,
      vehicle.category, vehicle.brand, vehicle.model, vehicle.year, tariff.power_hp, identitySealed,
      drivers.map((_, index) => index),
      tariff.drivers.map(({ age }) => age),
      tariff.drivers.map(({ experience_years }) => experience_years),
      driversSealed,
      row.event_id, row.topic, row.value, row.traceparent,
      vehicle_mac, person_mac, taxi_plate, content_mac,
    ]);
    const id = inserted.rows[0]?.id;
    if (id === undefined) {
      return { kind: 'conflict', detail: 'this request_id was used before' };
    }
    return { kind: 'created', request, event, outbox: { id, ...row } };
  }

  /** Some key was used before: the same body gets the first answer again, anything else is a conflict. */
  async #replay(client: PoolClient, submission: Submission): Promise<SubmitResult> {
    const { idempotency, body_mac } = submission;
    const found = await client.query<{ request_id: string; body_mac: Buffer; scope: string }>(
      `SELECT request_id, body_mac, scope FROM idempotency_keys
       JOIN unnest($1::text[], $2::uuid[]) AS given (scope, key) USING (scope, key)`,
      [idempotency.map(({ scope }) => scope), idempotency.map(({ key }) => key)],
    );
    const rows = found.rows;
    if (rows.some((row) => !row.body_mac.equals(body_mac))) {
      return { kind: 'conflict', detail: 'the same key came with another body' };
    }
    const wanted = idempotency.find(({ scope }) => scope === 'request')?.key;
    const requestIds = new Set(rows.map((row) => row.request_id));
    if (wanted !== undefined) requestIds.add(wanted);
    const [requestId] = requestIds;
    if (requestIds.size !== 1 || requestId === undefined) {
      return { kind: 'conflict', detail: 'Idempotency-Key and request_id belong to different requests' };
    }
    const request = await this.#find(client, requestId);
    return request === undefined
      ? { kind: 'conflict', detail: 'the request of this key is gone' }
      : { kind: 'replayed', request };
  }

  /** Under a lock of owner and content: of two clicks at once the second one finds the first. */
  async #findTwin(
    client: PoolClient,
    contentMac: Buffer,
    { owner_macs, ended }: TwinSearch,
  ): Promise<StoredRequest | undefined> {
    const lock = createHash('sha256').update(owner_macs[0] ?? '').update(contentMac).digest().readBigInt64BE();
    await client.query('SELECT pg_advisory_xact_lock($1)', [lock]);
    const { rows } = await client.query<RequestRow>(FIND_TWIN, [owner_macs, contentMac, ended, TWIN_MS]);
    return rows[0] && storedRequest(rows[0]);
  }

  /** The owner of a request, as it was stored; undefined for an unknown one. */
  async findOwner(requestId: string): Promise<Buffer | undefined> {
    const { rows } = await askedOfPostgres(
      this.#pool.query<{ owner_mac: Buffer }>('SELECT owner_mac FROM requests WHERE request_id = $1', [requestId]),
    );
    return rows[0]?.owner_mac;
  }

  async #find(db: Pool | PoolClient, requestId: string): Promise<StoredRequest | undefined> {
    const found = await db.query<RequestRow>(
      `SELECT ${REQUEST_COLUMNS} FROM requests WHERE request_id = $1`,
      [requestId],
    );
    return found.rows[0] && storedRequest(found.rows[0]);
  }

  find(requestId: string): Promise<StoredRequest | undefined> {
    return this.#find(this.#pool, requestId);
  }
}
