/** Against a real broker (KAFKA_BROKERS) and a real Postgres (DATABASE_URL), with topics and a schema of its own. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { applyTopics, readPlan } from './apply.ts';
import { Cluster } from './cluster.ts';
import { expectNewEpoch, stampEpoch } from './epoch.ts';
import type { WantedTopic } from './manifests.ts';
import { linesOf, type PlanOptions } from './plan.ts';

const TEST_MS = 60_000;
const run = randomBytes(4).toString('hex');

const address = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the infra tests need a broker and a database`);
  return value;
};

const topic = (name: string, change: Partial<WantedTopic> = {}): WantedTopic => ({
  name: `topics-${run}-${name}`,
  partitions: 3,
  replicas: 1,
  config: { 'cleanup.policy': 'delete', 'retention.ms': '86400000', 'message.timestamp.type': 'LogAppendTime' },
  ...change,
});

describe('topics of a real cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.connect(address('KAFKA_BROKERS').split(','));
  }, TEST_MS);
  afterAll(() => cluster.close(), TEST_MS);

  const planned = async (wanted: WantedTopic): Promise<string[]> =>
    (await readPlan(cluster, [wanted])).changes.flatMap(linesOf);
  const apply = async (wanted: WantedTopic, options?: PlanOptions): Promise<string[]> => {
    const said: string[] = [];
    await applyTopics({ cluster, database: undefined, say: (line) => said.push(line) }, [wanted], options);
    return said;
  };

  it('are created as wanted; then plan finds nothing, and apply changes nothing', async () => {
    const wanted = topic('created');
    expect(await planned(wanted)).toEqual([expect.stringContaining('is missing; create with 3 partitions, 1 replica')]);
    await apply(wanted);
    expect(await planned(wanted)).toEqual([]);
    expect(await apply(wanted)).toEqual(['the topics are as wanted']);
  }, TEST_MS);

  it('show a drift made by hand, and apply takes it back where it may delete what that kept', async () => {
    const wanted = topic('drifted');
    await apply(wanted);
    await cluster.make({
      kind: 'configure',
      topic: wanted.name,
      config: { ...wanted.config, 'retention.ms': '172800000', 'max.message.bytes': '2000' },
      settings: [],
    });
    const refusal = `${wanted.name}: refused: retention.ms 172800000 → 86400000: records older than 1 d will be deleted`;
    const drift = [
      `${wanted.name}: retention.ms 172800000 → 86400000: records older than 1 d will be deleted`,
      `${wanted.name}: max.message.bytes 2000 → default`,
    ];
    expect(await planned(wanted)).toEqual([`${refusal}; apply --delete-records allows it`, drift[1]]);
    await expect(apply(wanted)).rejects.toThrow(/nothing was changed[^]*refused: retention\.ms/);
    expect(await planned(wanted)).toHaveLength(2);
    expect(await apply(wanted, { mayDeleteRecords: true })).toEqual(drift);
    expect(await planned(wanted)).toEqual([]);
  }, TEST_MS);

  it('grow, and never shrink: then nothing at all is changed', async () => {
    const wanted = topic('grown');
    await apply(wanted);
    expect(await apply({ ...wanted, partitions: 5 })).toEqual([`${wanted.name}: partitions 3 → 5`]);
    const smaller = { ...wanted, partitions: 4, config: { ...wanted.config, 'retention.ms': '1000' } };
    await expect(apply(smaller)).rejects.toThrow(/nothing was changed[^]*partitions cannot shrink/);
    expect(await planned({ ...wanted, partitions: 5 })).toEqual([]);
  }, TEST_MS);

  it('get fewer replicas where there are fewer brokers, and it is said', async () => {
    const wanted = topic('replicated', { replicas: 3, config: { 'min.insync.replicas': '2' } });
    expect((await apply(wanted))[0]).toContain('3 replicas are wanted and the cluster has 1 broker');
    expect(await planned(wanted)).toEqual([]);
  }, TEST_MS);
});

describe('the epoch', () => {
  const client = new Client({ connectionString: process.env['DATABASE_URL'] });

  beforeAll(async () => {
    await client.connect();
    await client.query(`CREATE SCHEMA topics_${run}; SET search_path TO topics_${run}`);
    // As the migration of core-app makes it.
    await client.query(
      `CREATE TABLE platform_epoch (
         one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch text NOT NULL, cluster_id text NOT NULL,
         partitions integer NOT NULL, changed_at timestamptz NOT NULL DEFAULT now())`,
    );
  }, TEST_MS);
  afterAll(async () => {
    await client.query(`DROP SCHEMA topics_${run} CASCADE`);
    await client.end();
  }, TEST_MS);

  it('is new on the first stamp, on another cluster and after topics were created, and stays otherwise', async () => {
    const first = await stampEpoch(client, { clusterId: 'a', partitions: 12 });
    expect(first).toEqual({ epoch: expect.stringMatching(/^[0-9a-f]{8}$/), isNew: true });
    expect(await stampEpoch(client, { clusterId: 'a', partitions: 24 })).toEqual({ epoch: first.epoch, isNew: false });
    const moved = await stampEpoch(client, { clusterId: 'b', partitions: 24 });
    expect(moved.isNew).toBe(true);
    await expectNewEpoch(client);
    const created = await stampEpoch(client, { clusterId: 'b', partitions: 24 });
    expect(created.isNew).toBe(true);
    expect(new Set([first.epoch, moved.epoch, created.epoch]).size).toBe(3);
    const { rows } = await client.query('SELECT epoch, cluster_id, partitions FROM platform_epoch');
    expect(rows).toEqual([{ epoch: created.epoch, cluster_id: 'b', partitions: 24 }]);
  }, TEST_MS);
});
