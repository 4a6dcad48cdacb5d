/**
 * Looks once at each accepted request and each retry with changes, soon after it came, and records what looks like
 * shopping for a price by lying. It refuses nobody and holds up nothing: POST only leaves tokens and a row in the queue. Any number of pods share the
 * queue; what one takes, it looks at, records and takes off the queue in one transaction, so a crash repeats the whole.
 */
import type { TariffAttributes } from '@osago/contracts';
import {
  DEFAULT_RULE_SETTINGS,
  FRAUD_SIGNAL_CODES,
  type FraudSignal,
  fraudSignals,
  type RememberedApplication,
  type RuleSettings,
} from '@osago/quotes';
import { Counter, type Log, pause, type Registry, type Service } from '@osago/service-kit';
import type { Pool, PoolClient } from 'pg';
import { inTransaction } from './postgres-transaction.ts';

const LOOK_MS = 1_000;
const BATCH_MAX = 200;
/** A POST that began earlier may commit later; so much later at most, or its request is not compared with this one. */
const SETTLE_S = 5;
/** So many former applications of the vehicle, and of the person, are compared at least: the latest. */
const FORMER_MAX = 100;

interface WatchedRow {
  request_id: string;
  /** 1 of a request, that of the command of a retry. */
  revision: number;
  at: Date;
  vehicle_mac: Buffer;
  person_mac: Buffer;
  taxi_plate: boolean;
  tariff: TariffAttributes;
}

const COLUMNS = 'request_id, revision, at, vehicle_mac, person_mac, taxi_plate, tariff';

/** By their place, for the queue has no index; a row that another pod holds is passed over. */
const TAKE = `
  WITH taken AS (
    DELETE FROM fraud_watch_queue WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM fraud_watch_queue WHERE added_at < now() - interval '${SETTLE_S} s'
      LIMIT ${BATCH_MAX} FOR UPDATE SKIP LOCKED
    )) RETURNING request_id, revision
  )
  SELECT ${COLUMNS} FROM taken JOIN watched_applications USING (request_id, revision)`;

const formerOf = (column: 'vehicle_mac' | 'person_mac'): string => `
  SELECT found.request_id, found.revision FROM current, LATERAL (
    SELECT request_id, revision FROM watched_applications
    WHERE ${column} = current.${column} AND (request_id, revision) <> (current.request_id, current.revision)
      AND at BETWEEN current.at - $3 * interval '1 h' AND current.at
    ORDER BY at DESC LIMIT ${FORMER_MAX}
  ) AS found`;

/** Each once, though many of the batch may have it in common; by its key, however many there are (hence the LIMIT). */
const FORMER = `
  WITH taken AS (SELECT * FROM unnest($1::uuid[], $2::integer[]) AS given (request_id, revision)),
       current AS (SELECT ${COLUMNS} FROM taken JOIN watched_applications USING (request_id, revision)),
       former AS (${formerOf('vehicle_mac')} UNION ${formerOf('person_mac')})
  SELECT found.* FROM former, LATERAL (
    SELECT ${COLUMNS} FROM watched_applications AS one
    WHERE one.request_id = former.request_id AND one.revision = former.revision LIMIT 1
  ) AS found`;

const RECORD = `
  INSERT INTO fraud_signals (request_id, revision, code, former_request, former, current)
  SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::uuid[], $5::text[], $6::text[])`;

type Noticed = FraudSignal & Pick<RememberedApplication, 'requestId' | 'revision'>;

const remembered = (row: WatchedRow): RememberedApplication => ({
  requestId: row.request_id,
  revision: row.revision,
  atMs: row.at.getTime(),
  vehicle: row.vehicle_mac.toString('base64'),
  person: row.person_mac.toString('base64'),
  attributes: row.tariff,
  taxiPlate: row.taxi_plate,
});

/** Of two of the same millisecond one is the former, whoever looks at it. */
const isBefore = (one: RememberedApplication, other: RememberedApplication): boolean => {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs;
  return one.requestId === other.requestId ? one.revision < other.revision : one.requestId < other.requestId;
};

export class FraudWatch implements Service {
  readonly name = 'fraud-watch';
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #settings: RuleSettings;
  readonly #signals: Counter;

  constructor(deps: { pool: Pool; log: Log; metrics: Registry }, settings: RuleSettings = DEFAULT_RULE_SETTINGS) {
    this.#pool = deps.pool;
    this.#log = deps.log;
    this.#settings = settings;
    this.#signals = new Counter({
      name: 'osago_fraud_signals_total',
      help: 'Signals of fraud that this pod has recorded, by code; nobody is refused for them',
      labelNames: ['code'],
      registers: [deps.metrics],
    });
    for (const code of FRAUD_SIGNAL_CODES) this.#signals.inc({ code }, 0);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const looked = await this.look();
        if (looked === BATCH_MAX) continue;
      } catch (error) {
        this.#log.warn({ error }, 'requests could not be looked at for signals of fraud, they are again');
      }
      await pause(LOOK_MS, signal);
    }
  }

  /** Looks at what waits, one batch at most; resolves to how many requests that were. */
  async look(): Promise<number> {
    const { looked, noticed } = await inTransaction(this.#pool, (client) => this.#lookIn(client));
    for (const { code, former, requestId } of noticed) {
      this.#signals.inc({ code });
      this.#log.info({ request_id: requestId, code, former_request: former?.requestId }, 'signal of fraud recorded');
    }
    return looked;
  }

  async #lookIn(client: PoolClient): Promise<{ looked: number; noticed: Noticed[] }> {
    const { rows } = await client.query<WatchedRow>(TAKE);
    if (rows.length === 0) return { looked: 0, noticed: [] };
    const former = await this.#formerOf(client, rows);
    const noticed = rows.map(remembered).flatMap((current) => {
      const before = former.filter((one) => isBefore(one, current));
      const { requestId, revision } = current;
      return fraudSignals(current, before, this.#settings).map((one) => ({ ...one, requestId, revision }));
    });
    if (noticed.length > 0) {
      await client.query(RECORD, [
        noticed.map(({ requestId }) => requestId),
        noticed.map(({ revision }) => revision),
        noticed.map(({ code }) => code),
        noticed.map((one) => one.former?.requestId ?? null),
        noticed.map((one) => one.former?.value ?? null),
        noticed.map(({ current }) => current),
      ]);
    }
    return { looked: rows.length, noticed };
  }

  /** All of the same vehicles and persons that any of these requests is compared with. */
  async #formerOf(client: PoolClient, rows: readonly WatchedRow[]): Promise<RememberedApplication[]> {
    const found = await client.query<WatchedRow>(FORMER, [
      rows.map(({ request_id }) => request_id),
      rows.map(({ revision }) => revision),
      this.#settings.signalWindowHours,
    ]);
    return found.rows.map(remembered);
  }
}
