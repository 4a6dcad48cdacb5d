/** The scripts of the run store on a real Redis. Their rules are those of the simulated Redis, which the simulations use. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Claim, LEASE_MS, type LegRun, type RunCommand, type RunHead, type RunState, seededRandom, startRun } from '@osago/quotes';
import { SimulatedRedis } from '@osago/quotes/simulation-redis';
import { submitted, until } from './aggregator-given.ts';
import { MemoryRunStore } from './memory-run-store.ts';
import { cleanUp, connect, connectedStore } from './redis-given.ts';
import { keysOf, RunStore } from './run-store.ts';

/** A database of its own, so that it may be emptied. */
const URL_OF_DATABASE = `${process.env['REDIS_URL'] ?? ''}/5`;
const PARTITION = 7;
const HEAD: RunHead = {
  traceparent: '00-1',
  application_sealed: 'sealed',
  asked: {
    panel: [{ insurer_id: 'alfa', name: 'Альфа', deadline_at: '2026-11-21T09:01:00.000Z' }],
    policy_start_date: '2026-12-01',
  },
};

afterEach(cleanUp);

const setup = async () => {
  const { store } = await connectedStore(URL_OF_DATABASE);
  const redis = connect(URL_OF_DATABASE);
  await redis.flushdb();
  const { data } = submitted(['alfa', 'beta']);
  const runWith = (fence: number) => startRun(data, fence, Date.now());
  const [leg] = runWith(0).legs;
  if (leg === undefined) throw new Error('no leg');
  const asked: LegRun = { ...leg, phase: { kind: 'poll-due', dueAtMs: 5, application_id: 'app-1', polls: 2, tries: 0 } };
  const pod = (name: string) => new RunStore(store, name);
  const claim = async (by: RunStore): Promise<Claim> => {
    const claimed = await by.claim(PARTITION, data.request_id, HEAD);
    if (typeof claimed !== 'object') throw new Error(`the claim came to ${claimed}`);
    return claimed;
  };
  const part = (legs: readonly LegRun[]) => ({ legs, isOver: false });
  return { redis, data, runWith, asked, pod, claim, part, one: pod('one'), other: pod('other') };
};

describe('a claim', () => {
  test('raises the fence each time, and never below the clock of Redis', async () => {
    const { one, redis, claim } = await setup();
    const before = Number((await redis.time())[0]) * 1_000;
    const fences: number[] = [];
    for (let holder = 0; holder < 50; holder += 1) fences.push((await claim(one)).fence);
    expect(fences[0]).toBeGreaterThanOrEqual(before);
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    expect(fences.every(Number.isSafeInteger)).toBe(true);
  });

  test('of many pods at once gives the run to one of them', async () => {
    const { data, pod } = await setup();
    const claims = await Promise.all(
      Array.from({ length: 50 }, (_, at) => pod(`pod-${at}`).claim(PARTITION, data.request_id, HEAD)),
    );
    expect(claims.filter((claimed) => claimed === 'driven')).toHaveLength(49);
  });

  test('is refused while another holder lives, and not any more when its lease is over', async () => {
    const { one, other, data, claim } = await setup();
    const claimsAtMs = performance.now();
    await claim(one);
    await until('the lease is over', async () => (await other.claim(PARTITION, data.request_id, HEAD)) !== 'driven');
    expect(performance.now() - claimsAtMs).toBeGreaterThan(LEASE_MS - 50);
  });

  test('brings the legs, the application and the commands as they were stored', async () => {
    const { one, other, data, runWith, asked, claim, part } = await setup();
    const { fence, legs } = await claim(one);
    expect(legs.size).toBe(0);
    expect(await one.save(PARTITION, runWith(fence), part([asked]))).toBe('saved');
    const commands: RunCommand[] = [10, 2].map((revision) => ({ kind: 'cancelled', revision, atMs: revision }));
    for (const command of commands) expect(await other.command(PARTITION, data.request_id, command)).toBe('told');
    await one.release(PARTITION);
    const heirs = await other.claim(PARTITION, data.request_id);
    expect(heirs).toEqual({ fence: expect.any(Number), head: HEAD, legs: new Map([['alfa', asked]]), commands: commands.reverse() });
  });

  test('keeps what a peer needs, before anything else is stored', async () => {
    const { one, other, data } = await setup();
    const heard: RunCommand[] = [{ kind: 'cancelled', revision: 2, atMs: 1 }];
    await one.claim(PARTITION, data.request_id, HEAD, heard);
    await one.release(PARTITION);
    expect(await other.claim(PARTITION, data.request_id)).toMatchObject({ head: HEAD, legs: new Map(), commands: heard });
  });

  test('without a record is for a run that is known', async () => {
    const { one, data } = await setup();
    expect(await one.claim(PARTITION, data.request_id)).toBe('unknown');
  });
});

describe('a save', () => {
  test('with an older fence is refused and changes nothing', async () => {
    const { one, other, runWith, asked, claim, part } = await setup();
    const old = await claim(one);
    expect(await one.save(PARTITION, runWith(old.fence), part([asked]))).toBe('saved');
    await one.release(PARTITION);
    await claim(other);
    const ended: LegRun = { ...asked, phase: { kind: 'ended' } };
    expect(await one.save(PARTITION, runWith(old.fence), part([ended]))).toBe('superseded');
    expect((await claim(other)).legs.get('alfa')).toEqual(asked);
  });

  test('of what Redis has lost says so, and stores it when it is whole', async () => {
    const { one, other, data, redis, runWith, asked, claim, part } = await setup();
    const { fence } = await claim(one);
    const run = runWith(fence);
    await redis.flushdb();
    expect(await one.save(PARTITION, run, part([asked]))).toBe('lost');
    const whole = { head: HEAD, commands: [{ kind: 'cancelled' as const, revision: 2, atMs: 1 }] };
    expect(await one.save(PARTITION, run, { ...part(run.legs), whole })).toBe('saved');
    expect(await other.claim(PARTITION, data.request_id)).toBe('driven');
    await one.release(PARTITION);
    expect(await other.claim(PARTITION, data.request_id)).toMatchObject({ head: HEAD, commands: whole.commands });
  });

  test('of the newest holder wins although an older one was first after Redis was emptied', async () => {
    const { one, other, redis, runWith, asked, claim, part } = await setup();
    const old = await claim(one);
    await one.release(PARTITION);
    const { fence } = await claim(other);
    await redis.flushdb();
    const whole = { head: HEAD, commands: [] };
    await one.save(PARTITION, runWith(old.fence), { ...part([]), whole });
    expect(await other.save(PARTITION, runWith(fence), part([asked]))).toBe('saved');
    expect(await one.save(PARTITION, runWith(old.fence), part([]))).toBe('superseded');
  });
});

test('Redis that is away is undefined for every question', async () => {
  const away = { script: () => Promise.resolve(undefined), awayForMs: () => 5 };
  const store = new RunStore(away, 'one');
  const { data } = submitted(['alfa']);
  expect(store.awayForMs(1)).toBe(5);
  expect(await store.claim(1, data.request_id, HEAD)).toBeUndefined();
  expect(await store.save(1, startRun(data, 1, 0), { legs: [], isOver: false })).toBeUndefined();
  expect(await store.command(1, data.request_id, { kind: 'cancelled', revision: 2, atMs: 0 })).toBeUndefined();
  expect(await store.look(1, data.request_id)).toBeUndefined();
  expect(await store.beat(1, { isHolding: true, handled: [] })).toBeUndefined();
});

/** Two servers never agree on the millisecond: what depends on it is compared by whether it is there. */
const without = (answer: unknown): unknown =>
  typeof answer === 'object' && answer !== null
    ? { ...answer, fence: undefined, nowMs: undefined, orphans: 'orphans' in answer ? [...(answer.orphans as string[])].sort() : [] }
    : answer;

test.each(['a', 'b', 'c', 'd', 'e', 'f'])('any history has the same answers from Redis as from the simulated one: %s', async (seed) => {
  const { data, pod } = await setup();
  const random = seededRandom(seed);
  const simulated = new SimulatedRedis(() => Date.now());
  const pods = ['one', 'two', 'three'].map((name) => {
    const memory = new MemoryRunStore(simulated);
    return { real: pod(memory.holder), memory, name, handled: [] as { request_id: string; command: RunCommand }[] };
  });
  const requests = [data.request_id, crypto.randomUUID()] as const;
  /** The fences of one run on either side: equal ones would be chance. */
  const fences = new Map<string, { real: number; memory: number }>();
  const startedAtMs = performance.now();
  // Then leases run out, and may do so between the two questions.
  const isLong = (): boolean => performance.now() - startedAtMs > LEASE_MS / 2;
  for (let turn = 0; turn < 120 && !isLong(); turn += 1) {
    const { real, memory, name } = random.pick(pods as [(typeof pods)[number], ...typeof pods]);
    const id = random.pick(requests);
    const held = fences.get(`${name} ${id}`) ?? { real: 1, memory: 1 };
    const leg = { ...startRun(data, 0, turn).legs[0]!, step: turn };
    const run = (fence: number): RunState => ({ request_id: id, fence, legs: [leg] });
    const command: RunCommand = { kind: 'cancelled', revision: random.integer(2, 4), atMs: turn };
    const what = { legs: [leg], isOver: random.chance(0.1), ...(random.chance(0.2) && { whole: { head: HEAD, commands: [command] } }) };
    const beat = { isHolding: random.chance(0.5), handled: random.chance(0.5) ? [{ request_id: id, command }] : [] };
    const ask = random.pick(['claim', 'save', 'save', 'command', 'look', 'beat', 'release', 'take'] as const);
    const [a, b] = await (async (): Promise<[unknown, unknown]> => {
      switch (ask) {
        case 'claim':
        case 'take': {
          const head = ask === 'claim' ? HEAD : undefined;
          const heard = ask === 'claim' && random.chance(0.3) ? [command] : [];
          const claims = [await real.claim(PARTITION, id, head, heard), await memory.claim(PARTITION, id, head, heard)] as const;
          const [first, second] = claims;
          if (typeof first === 'object' && typeof second === 'object') {
            fences.set(`${name} ${id}`, { real: first.fence, memory: second.fence });
          }
          return [...claims];
        }
        case 'save':
          return [await real.save(PARTITION, run(held.real), what), await memory.save(PARTITION, run(held.memory), what)];
        case 'command':
          return [await real.command(PARTITION, id, command), await memory.command(PARTITION, id, command)];
        case 'look':
          return [await real.look(PARTITION, id), await memory.look(PARTITION, id)];
        case 'beat':
          return [await real.beat(PARTITION, beat), await memory.beat(PARTITION, beat)];
        case 'release':
          return [await real.release(PARTITION), await memory.release(PARTITION)];
      }
    })();
    expect([turn, ask, without(a)]).toEqual([turn, ask, without(b)]);
  }
});

describe('what is stored', () => {
  test('goes after hours', async () => {
    const { redis, one, data, claim } = await setup();
    await claim(one);
    await one.beat(PARTITION, { isHolding: true, handled: [] });
    const HOURS_S = 3_600;
    for (const key of await redis.keys('*')) {
      expect(await redis.ttl(key)).toBeGreaterThan(2 * HOURS_S);
      expect(await redis.ttl(key)).toBeLessThanOrEqual(6 * HOURS_S);
    }
    expect(await redis.keys('*')).toContain(keysOf(PARTITION, data.request_id).at(-1));
  });

  test('is all of one slot of a cluster, whatever the script', async () => {
    const { redis } = await setup();
    const slots = keysOf(PARTITION, crypto.randomUUID()).map((key) => slotOf(key));
    expect(new Set(slots).size).toBe(1);
    expect(slotOf('123456789')).toBe(0x31c3 % 16_384);
    expect(slotOf(keysOf(8)[0] ?? '')).not.toBe(slots[0]);
    expect(await redis.dbsize()).toBe(0);
  });
});

/** Of the Redis Cluster specification: CRC-16/XMODEM of what stands in the first braces. */
const slotOf = (key: string): number => {
  const tagged = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tagged)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % 16_384;
};
