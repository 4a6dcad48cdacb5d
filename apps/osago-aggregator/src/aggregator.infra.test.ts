/** Runs over a real Redis: what is stored, and what happens when it vanishes at any moment. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import {
  APPLICATION,
  createBus,
  isDone,
  legEvents,
  outcomes,
  panel,
  says,
  ScriptedInsurer,
  send,
  startPod,
  stopPods,
  submitted,
  until,
} from './aggregator-given.ts';
import { cleanUp, connect, connectedStore, ownRedis } from './redis-given.ts';
import { keysOf, RunStore } from './run-store.ts';

const URL_OF_DATABASE = `${process.env['REDIS_URL'] ?? ''}/6`;
const PATIENCE_MS = 30_000;

afterEach(async () => {
  await stopPods();
  await cleanUp();
});

const setup = async (url = URL_OF_DATABASE) => {
  const { store } = await connectedStore(url);
  return { bus: createBus(), runStore: new RunStore(store, crypto.randomUUID()), store };
};

/** Every text in an object, at any depth. */
const textsOf = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];

describe('what a run leaves in Redis and on the log', () => {
  test('holds no word that names a person', async () => {
    const { bus, runStore } = await setup();
    const redis = connect(URL_OF_DATABASE);
    await redis.flushdb();
    const insurers = {
      alfa: new ScriptedInsurer({ poll: [says.estimated, says.quoted] }),
      beta: new ScriptedInsurer({ post: [says.needsData] }),
      gamma: new ScriptedInsurer({ poll: [says.failed] }),
    };
    const request = submitted(Object.keys(insurers));
    startPod({ bus, insurers: panel(insurers), runStore });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    const run = await redis.hgetall(keysOf(2, request.data.request_id).at(-1) ?? '');
    // As it is on the log: sealed. The keys of this test seal nothing.
    const { application, ...stored } = run;
    expect(application).toBe(request.data.application_sealed);
    expect(Object.keys(stored)).toContain('leg:alfa');
    const published = [TOPICS.quotes, TOPICS.errors].flatMap((topic) =>
      bus.records(topic).map(({ key, value, headers }) => [key, String(value), headers]),
    );
    const written = JSON.stringify([stored, published]);
    const { owner, policyholder, drivers, contacts, vehicle } = APPLICATION;
    const personal = textsOf([owner, policyholder, drivers, contacts, vehicle.vin, vehicle.plate, vehicle.document]);
    // Two characters, as of a region, may be part of any number.
    expect(personal.filter((text) => text.length > 3 && written.includes(text))).toEqual([]);
  });
});

describe('Redis that loses all it has', () => {
  test('while a run goes on costs nothing: one outcome of each insurer', async () => {
    const { bus, runStore } = await setup();
    const redis = connect(URL_OF_DATABASE);
    const alfa = new ScriptedInsurer({ poll: [says.pending, says.pending, says.quoted] });
    const request = submitted(['alfa']);
    startPod({ bus, insurers: panel({ alfa }), runStore });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length > 0);
    await redis.flushdb();
    await until('the record is done', () => isDone(bus));
    expect(alfa.posts).toHaveLength(1);
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('by dying while a run goes on costs nothing either', async () => {
    const { url, part } = await ownRedis();
    const { bus, runStore } = await setup(url);
    const insurers = { alfa: new ScriptedInsurer({ poll: [says.pending, says.quoted] }), beta: new ScriptedInsurer({ post: ['nothing'] }) };
    const request = submitted(['alfa', 'beta'], { deadlineInMs: 6_000 });
    startPod({ bus, insurers: panel(insurers), runStore });
    await send(bus, request);
    await until('it is polled', () => insurers.alfa.polls.length > 0);
    part.kill();
    await part.ended;
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted', 'beta timeout']);
  }, PATIENCE_MS);
});

test('a pod that takes over polls on by what is stored, and does not POST again', async () => {
  const { bus, runStore, store } = await setup();
  const before = new ScriptedInsurer();
  const after = new ScriptedInsurer({ poll: [says.quoted] });
  const request = submitted(['alfa']);
  const first = startPod({ bus, insurers: panel({ alfa: before }), runStore });
  await send(bus, request);
  await until('it is polled', () => before.polls.length > 0);
  await first.stop();
  startPod({ bus, insurers: panel({ alfa: after }), runStore: new RunStore(store, crypto.randomUUID()) });
  await until('the record is done', () => isDone(bus));
  expect(after.posts).toEqual([]);
  const fences = legEvents(bus, request.data.request_id).map(({ data }) => data.fence);
  expect(fences[1]).toBeGreaterThan(fences[0] ?? Infinity);
});
