/** The fraud watch on a real Postgres, fed by what POST stores. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Application, TariffAttributes } from '@osago/contracts';
import { sampleOfKind, tariffAttributes } from '@osago/quotes';
import { createMetrics } from '@osago/service-kit';
import { FraudWatch } from './fraud-watch.ts';
import { watchMarks } from './fraud-watch-marks.ts';
import { RequestCommands } from './request-commands.ts';
import { RequestStore } from './request-store.ts';
import { rememberingLog, until } from './testing-events.ts';
import { createKeys, migratedDatabase, submissionOf, type TestDatabase, TODAY } from './testing-parts.ts';

let database: TestDatabase;
let store: RequestStore;
let commands: RequestCommands;
beforeAll(async () => {
  database = await migratedDatabase(process.env['DATABASE_URL']);
  const keys = await createKeys();
  store = new RequestStore({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
  commands = new RequestCommands({ pool: database.pool, logKeys: keys.log, storeKeys: keys.store });
}, 60_000);
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('TRUNCATE requests, fraud_watch_queue, fraud_signals, outbox CASCADE');
});

const MAC = { mac: (purpose: string, text: string) => Buffer.from(`${purpose} ${text}`) };
const CAR = sampleOfKind('car', 1, TODAY);
const OWN = tariffAttributes(CAR, TODAY);

const pod = () => {
  const log = rememberingLog();
  const metrics = createMetrics('core-app');
  const watch = new FraudWatch({ pool: database.pool, log, metrics });
  const counted = async (code: string): Promise<number | undefined> => {
    const metric = await metrics.getSingleMetric('osago_fraud_signals_total')!.get();
    return metric.values.find(({ labels }) => labels['code'] === code)?.value;
  };
  return { log, watch, counted };
};

interface Sketch {
  hoursAgo: number;
  application?: Application;
  /** Of what pricing takes from the application. */
  tariff?: Partial<TariffAttributes>;
}

/** Stored as POST does it, then moved into the past. Resolves to the request's id. */
const accepted = async ({ hoursAgo, application = CAR, tariff = {} }: Sketch): Promise<string> => {
  const marks = watchMarks(MAC, application);
  const priced = { ...tariffAttributes(application, TODAY), ...tariff };
  const result = await store.submit(submissionOf(1, { application, ...marks, tariff: priced }));
  if (result.kind !== 'created') throw new Error(result.kind);
  const { request_id } = result.request;
  await database.pool.query(
    `UPDATE requests SET accepted_at = now() - $2 * interval '1 h' WHERE request_id = $1`, [request_id, hoursAgo]);
  await settle(request_id);
  return request_id;
};

const settle = (requestId: string): Promise<unknown> =>
  database.pool.query(`UPDATE fraud_watch_queue SET added_at = now() - interval '1 min' WHERE request_id = $1`, [requestId]);

const lookAtAll = async ({ watch }: ReturnType<typeof pod>): Promise<void> => {
  while ((await watch.look()) > 0);
};

const recorded = async () => {
  const { rows } = await database.pool.query<Record<'request_id' | 'code' | 'former_request' | 'former' | 'current', string | null>>(
    'SELECT request_id, code, former_request, former, current FROM fraud_signals ORDER BY code, request_id');
  return rows;
};

const queued = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ n: number }>('SELECT count(*)::integer AS n FROM fraud_watch_queue');
  return rows[0]!.n;
};

describe('the same vehicle within hours', () => {
  test.each<[string, Partial<TariffAttributes>, { code: string; former: string; current: string }]>([
    ['power', { power_hp: 61 }, { code: 'power_changed', former: '61', current: String(OWN.power_hp) }],
    ['region', { region: '05' }, { code: 'region_changed', former: '05', current: OWN.region }],
    ['purpose', { purpose: 'taxi' }, { code: 'purpose_changed', former: 'taxi', current: 'personal' }],
  ])('with another %s is recorded, with the former request and both values', async (_, tariff, signal) => {
    const former = await accepted({ hoursAgo: 3, tariff });
    const current = await accepted({ hoursAgo: 1 });
    const { counted, watch } = pod();
    expect(await watch.look()).toBe(2);
    expect(await recorded()).toEqual([{ request_id: current, former_request: former, ...signal }]);
    expect(await counted(signal.code)).toBe(1);
  });

  test('is compared also when the former was looked at long before', async () => {
    const one = pod();
    await accepted({ hoursAgo: 3, tariff: { power_hp: 61 } });
    expect(await one.watch.look()).toBe(1);
    await accepted({ hoursAgo: 1 });
    expect(await one.watch.look()).toBe(1);
    expect((await recorded()).map(({ code }) => code)).toEqual(['power_changed']);
  });

  test('leaves no trace when nothing changed, nor of a day ago and more', async () => {
    await accepted({ hoursAgo: 26, tariff: { power_hp: 61 } });
    await accepted({ hoursAgo: 1 });
    await accepted({ hoursAgo: 0.5 });
    await lookAtAll(pod());
    expect([await recorded(), await queued()]).toEqual([[], 0]);
  });
});

describe('a retry with changes', () => {
  /** As the route asks for it, then moved into the past. */
  const retried = async (request_id: string, attempt: number, changed: Partial<TariffAttributes> | undefined, hoursAgo: number) => {
    const result = await commands.askRetry({
      request_id,
      insurer_id: 'alpha',
      attempt,
      deadline_ms: 60_000,
      application: CAR,
      tariff: { ...OWN, ...changed },
      marks: changed === undefined ? undefined : watchMarks(MAC, CAR),
      traceparent: '',
    });
    expect(result.kind).toBe('asked');
    await database.pool.query(
      `UPDATE request_commands SET at = now() - $3 * interval '1 h' WHERE request_id = $1 AND attempt = $2`, [request_id, attempt + 1, hoursAgo]);
    await settle(request_id);
  };

  test('is compared with its own request, and a later request with it', async () => {
    const submitted = await accepted({ hoursAgo: 3 });
    await retried(submitted, 1, { power_hp: 61 }, 2);
    const later = await accepted({ hoursAgo: 1 });
    const one = pod();
    await lookAtAll(one);
    const said = (await recorded()).map(({ code, current, former, request_id }) => [request_id, code, former, current]);
    expect(said).toHaveLength(2);
    expect(said).toContainEqual([submitted, 'power_changed', String(OWN.power_hp), '61']);
    expect(said).toContainEqual([later, 'power_changed', '61', String(OWN.power_hp)]);
    expect(await one.counted('power_changed')).toBe(2);
  });

  test('leaves no trace when it only fills in what was missing, and one without changes is not looked at', async () => {
    await accepted({ hoursAgo: 4, tariff: { power_hp: 61 } });
    const submitted = await accepted({ hoursAgo: 3 });
    await retried(submitted, 1, {}, 2);
    await retried(submitted, 2, undefined, 1);
    const one = pod();
    expect(await one.watch.look()).toBe(3);
    expect((await recorded()).map(({ request_id }) => request_id)).toEqual([submitted]);
  });
});

describe('one application', () => {
  test('with a plate that only taxis have, for personal use, is recorded without a former one', async () => {
    const current = await accepted({ hoursAgo: 1, application: { ...CAR, vehicle: { ...CAR.vehicle, plate: 'АВ12377' } } });
    await lookAtAll(pod());
    expect(await recorded()).toEqual([
      { request_id: current, code: 'taxi_plate_personal', former_request: null, former: null, current: 'personal' },
    ]);
  });

  test('of a person who has asked for six vehicles in a day is recorded', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      const vehicle = { ...CAR.vehicle, vin: `XTA0000000000000${index}` };
      ids.push(await accepted({ hoursAgo: 7 - index, application: { ...CAR, vehicle } }));
    }
    await lookAtAll(pod());
    expect(await recorded()).toMatchObject([{ request_id: ids[5], code: 'many_vehicles', former: '5', current: '6' }]);
  });

  test('is let settle: one whose POST began earlier may commit yet', async () => {
    await accepted({ hoursAgo: 1, tariff: { power_hp: 61 } });
    await store.submit(submissionOf(1));
    const one = pod();
    expect(await one.watch.look()).toBe(1);
    expect(await queued()).toBe(1);
  });
});

describe('several pods', () => {
  test('share what waits, and each signal is recorded and counted once', async () => {
    // Of one vehicle, each with a horsepower more than the one before: more than two batches of them.
    const requests = 450;
    const powers = Array.from({ length: requests }, (_, index) => 100 + index);
    await Promise.all(powers.map((power_hp) => accepted({ hoursAgo: 20 - power_hp / 60, tariff: { power_hp } })));
    const [one, other] = [pod(), pod()];
    expect(await Promise.all([one.watch.look(), other.watch.look()])).toEqual([200, 200]);
    await Promise.all([lookAtAll(one), lookAtAll(other)]);
    const rows = await recorded();
    expect(rows.map(({ code }) => code)).toEqual(Array(requests - 1).fill('power_changed'));
    for (const { current, former } of rows) expect(Number(current) - Number(former)).toBe(1);
    expect(((await one.counted('power_changed')) ?? 0) + ((await other.counted('power_changed')) ?? 0)).toBe(requests - 1);
  });

  test('do not wait for one that holds a row: they look at the others', async () => {
    const held = await accepted({ hoursAgo: 2 });
    await accepted({ hoursAgo: 1, tariff: { power_hp: 61 } });
    const holder = await database.pool.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT FROM fraud_watch_queue WHERE request_id = $1 FOR UPDATE', [held]);
      expect(await pod().watch.look()).toBe(1);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
    // The row that was held is compared all the same, by the one who looked.
    expect((await recorded()).map(({ code }) => code)).toEqual(['power_changed']);
    expect(await queued()).toBe(1);
  });
});

describe('a look that fails before it commits', () => {
  const refuse = `
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON fraud_signals DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse()`;

  test('counts nothing, is said in the log and repeated without doubles', async () => {
    await accepted({ hoursAgo: 3, tariff: { power_hp: 61 } });
    await accepted({ hoursAgo: 1 });
    const { counted, log, watch } = pod();
    // Everything is written; then the commit itself fails, as in a crash.
    await database.pool.query(refuse);
    const abort = new AbortController();
    const running = watch.run(abort.signal);
    try {
      await until(() => log.lines.some(({ level }) => level === 'warn'));
      expect([await recorded(), await queued(), await counted('power_changed')]).toEqual([[], 2, 0]);
    } finally {
      await database.pool.query('DROP FUNCTION refuse CASCADE');
    }
    await until(async () => (await queued()) === 0);
    abort.abort();
    await running;
    expect(await recorded()).toHaveLength(1);
    expect(await counted('power_changed')).toBe(1);
  });
});

test('a log line has ids and a code, and not a word of the application', async () => {
  const former = await accepted({ hoursAgo: 3, tariff: { power_hp: 61 } });
  const current = await accepted({ hoursAgo: 1 });
  const { log, watch } = pod();
  await watch.look();
  expect(log.lines).toEqual([
    {
      level: 'info',
      fields: { request_id: current, code: 'power_changed', former_request: former },
      message: 'signal of fraud recorded',
    },
  ]);
});
