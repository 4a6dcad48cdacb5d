/**
 * `npm run bench:sse`: the stream's edge beside a bare `node:http` server that writes with `res.write` (the floor) and
 * better-sse, all fed in their own process, in one run, in turn, several rounds, each with fresh processes;
 * then a rolling restart of two whole pods. `--quick` only proves that it works.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, report, type Row, spreadOf } from './report.ts';
import { type ArmName, ARMS } from './sse-arms.ts';
import type { Asked, Readers } from './sse-client.ts';
import { measureRestart } from './sse-restart.ts';
import type { Outcome, Task } from './sse-server.ts';

const isQuick = process.argv.includes('--quick');
/** One part alone, for the one who works on it: idle, rate, storm, stalled, restart. */
const { only, rounds } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, rounds: { type: 'string' } },
}).values;
const ROUNDS = Number(rounds ?? (isQuick ? 1 : 3));
const IDLE_STREAMS = isQuick ? 300 : 10_000;
const STREAMS = isQuick ? 200 : 2_500;
const RATES = isQuick ? [1_000] : [5_000, 20_000];
const WARM_UP_MS = isQuick ? 200 : 1_500;
/** All code is compiled by then, in all arms: what it costs to compile would be told as a cost of the first rate. */
const FIRST_WARM_UP_MS = isQuick ? 200 : 5_000;
/** The arms take turns of so long: what else the machine does then meets them all. */
const RATE_MS = isQuick ? 200 : 500;
const RATE_TURNS = isQuick ? 1 : 12;
const STORMS = isQuick ? 1 : 3;
const STALLED_STREAMS = isQuick ? 20 : 100;
const STALLED_MS = isQuick ? 300 : 8_000;
/** With each event so long a stalled reader is sent some 13 MB: the system's own buffers hold less. */
const STALLED_EVENT_BYTES = 64 * 1_024;
const STALLED_RATE = 2_500;
const CONNECTS_PER_SECOND = 2_000;
const MIB = 1_024 * 1_024;

const answerOf = <T>(child: ChildProcess, asked?: object): Promise<T> =>
  new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('a process of the bench has ended'));
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer as T);
    });
    if (asked) child.send(asked);
  });

interface Pair {
  server: (task: Task) => Promise<Outcome>;
  client: (asked: Asked) => Promise<Readers>;
}

const withPair = async <T>(arm: ArmName, work: (pair: Pair) => Promise<T>): Promise<T> => {
  const start = (file: string, args: string[]): ChildProcess =>
    fork(join(import.meta.dirname, file), args, { execArgv: [...process.execArgv, '--expose-gc'] });
  const server = start('sse-server.ts', [arm]);
  const client = start('sse-client.ts', []);
  try {
    await Promise.all([answerOf(server), answerOf(client)]);
    return await work({ server: (task) => answerOf(server, task), client: (asked) => answerOf(client, asked) });
  } finally {
    const ended = [server, client].map(async (child) => {
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    });
    for (const child of [server, client]) if (child.connected) child.disconnect();
    await Promise.all(ended);
  }
};

/** Some connections before, so that code and pools are warm. */
const warmUp = async ({ server, client }: Pair): Promise<number> => {
  const { port } = await server({});
  await client({ open: { port, from: 0, to: isQuick ? 20 : 300, perSecond: CONNECTS_PER_SECOND } });
  await client({ close: true });
  return port;
};

const results = new Map<string, number[]>();
const keep = (name: string, value: number): void => void results.set(name, [...(results.get(name) ?? []), value]);
const of = (name: string): number => median(results.get(name) ?? []);

const idle = (arm: ArmName): Promise<void> =>
  withPair(arm, async (pair) => {
    await pair.server({ fill: { requests: IDLE_STREAMS, quoted: 0 } });
    const port = await warmUp(pair);
    const before = await pair.server({});
    await pair.client({ open: { port, from: 0, to: IDLE_STREAMS, perSecond: CONNECTS_PER_SECOND } });
    const after = await pair.server({});
    keep(`${arm} idle`, (after.rssBytes - before.rssBytes) / IDLE_STREAMS / 1_024);
  });

/** So that none always follows the same one. */
const rotated = <T>(list: readonly T[], by: number): T[] => list.map((_, at) => list[(at + by) % list.length] as T);

/** All arms stand open at once and are fed in turn. */
const rate = async (arms: readonly ArmName[]): Promise<void> => {
  const pairs = new Map<ArmName, Pair>();
  const withAll = ([arm, ...others]: readonly ArmName[], work: () => Promise<void>): Promise<void> => {
    if (arm === undefined) return work();
    return withPair(arm, (pair) => {
      pairs.set(arm, pair);
      return withAll(others, work);
    });
  };
  const feed = async ({ server, client }: Pair, perSecond: number, forMs: number): Promise<Outcome & Readers> => {
    const fed = await server({ feed: { rate: perSecond, forMs, streams: STREAMS } });
    return { ...fed, ...(await client({ read: { quotes: fed.delivered } })) };
  };
  await withAll(arms, async () => {
    for (const pair of pairs.values()) {
      await pair.server({ fill: { requests: STREAMS, quoted: 0 } });
      const { port } = await pair.server({});
      await pair.client({ open: { port, from: 0, to: STREAMS, perSecond: CONNECTS_PER_SECOND } });
    }
    for (const pair of pairs.values()) await feed(pair, Math.max(...RATES), FIRST_WARM_UP_MS);
    for (const perSecond of RATES) {
      for (const pair of pairs.values()) await feed(pair, perSecond, WARM_UP_MS);
      // A collection falls into few of the turns and belongs to all: what they cost is summed.
      const spent = new Map(arms.map((arm) => [arm, { cpuUs: 0, delivered: 0 }]));
      for (let turn = 0; turn < RATE_TURNS; turn += 1) {
        for (const [arm, pair] of rotated([...pairs], turn)) {
          const { cpuUs, delivered, quotes, ...delays } = await feed(pair, perSecond, RATE_MS);
          if (quotes < delivered) throw new Error(`${arm}: ${quotes} of ${delivered} quotes were read`);
          const sum = spent.get(arm) ?? { cpuUs: 0, delivered: 0 };
          spent.set(arm, { cpuUs: sum.cpuUs + cpuUs, delivered: sum.delivered + delivered });
          keep(`${arm} ${perSecond} p50`, delays.p50);
          keep(`${arm} ${perSecond} p99`, delays.p99);
          keep(`${arm} ${perSecond} p99.9`, delays.p999);
        }
      }
      for (const [arm, { cpuUs, delivered }] of spent) keep(`${arm} ${perSecond} cpu`, cpuUs / delivered);
    }
  });
};

const storm = (arm: ArmName): Promise<void> =>
  withPair(arm, async (pair) => {
    await pair.server({ fill: { requests: STREAMS, quoted: 9 } });
    const port = await warmUp(pair);
    for (let nth = 0; nth < STORMS; nth += 1) {
      const before = await pair.server({});
      await pair.server({ watch: {} });
      const { lastMs } = await pair.client({ open: { port, from: 0, to: STREAMS, perSecond: 1_000_000, resumed: true } });
      const after = await pair.server({ watch: {} });
      keep(`${arm} storm`, lastMs);
      keep(`${arm} storm cpu`, after.cpuUs / STREAMS);
      // The first finds a process that has never allocated so much, the later ones one that has worked.
      keep(`${arm} ${nth === 0 ? 'storm rss' : 'later storm rss'}`, (after.rssBytesMax - before.rssBytes) / MIB);
      await pair.client({ close: true });
    }
  });

/** What stalled readers add to the memory of the same work without them, which also grows at first. */
const stalled = (arm: ArmName): Promise<void> =>
  withPair(arm, async (pair) => {
    await pair.server({ fill: { requests: STALLED_STREAMS, quoted: 0 } });
    const { port } = await pair.server({});
    await pair.client({ open: { port, from: 0, to: STALLED_STREAMS, perSecond: CONNECTS_PER_SECOND } });
    const work = async (): Promise<number> => {
      const task = { rate: STALLED_RATE, streams: STALLED_STREAMS, paddingBytes: STALLED_EVENT_BYTES };
      await pair.server({ feed: { ...task, forMs: STALLED_MS / 2 } });
      return (await pair.server({ feed: { ...task, forMs: STALLED_MS / 2 } })).rssBytesMean / MIB;
    };
    await work();
    const without = await work();
    await pair.client({ stall: 0.2 });
    const grown = (await work()) - without;
    keep(`${arm} stalled`, grown);
  });

const names = Object.keys(ARMS) as ArmName[];
const isAsked = (part: string): boolean => only === undefined || only === part;
for (let round = 0; round < ROUNDS; round += 1) {
  // Another one first in each round.
  const inTurn = names.map((_, at) => names[(at + round) % names.length] ?? 'ours');
  if (isAsked('idle')) for (const arm of inTurn) await idle(arm);
  if (isAsked('rate')) await rate(inTurn);
  if (isAsked('storm')) for (const arm of inTurn) await storm(arm);
}
// It is long, and no ratio is judged: the others once, to see what is usual.
if (isAsked('stalled')) {
  for (const arm of isQuick ? [] : names.slice(1)) await stalled(arm);
  for (let round = 0; round < ROUNDS; round += 1) await stalled('ours');
}

const measured = (metric: string, unit: string, key: string): Row & { floor: number } => ({
  metric, unit, ours: of(`ours ${key}`), floor: of(`bare ${key}`), spread: spreadOf(results.get(`ours ${key}`) ?? []),
});
/** At most so many times the floor, and below better-sse where `isBelowPeer`. */
const judged = (metric: string, unit: string, key: string, { times, isBelowPeer }: { times: number; isBelowPeer: boolean }): Row[] => {
  const row = measured(metric, unit, key);
  const peer = of(`better-sse ${key}`);
  const met = row.ours <= times * row.floor && (!isBelowPeer || row.ours < peer);
  return [
    { ...row, goal: { text: `≤ ${times} ×${isBelowPeer ? ', < better-sse' : ''}`, met } },
    { metric: '  the same by better-sse', unit, ours: peer, floor: row.floor },
  ];
};

const rows: Row[] = [];
if (isAsked('idle')) rows.push(...judged(`memory of an idle stream, ${IDLE_STREAMS} open`, 'KiB', 'idle', { times: 1, isBelowPeer: true }));
if (isAsked('rate')) {
  for (const perSecond of RATES) {
    rows.push(...judged(`CPU a quote, ${perSecond}/s over ${STREAMS} streams`, 'µs', `${perSecond} cpu`, { times: 1.1, isBelowPeer: true }));
    for (const q of ['p50', 'p99', 'p99.9']) rows.push(measured(`made → read at ${perSecond}/s, ${q}`, 'ms', `${perSecond} ${q}`));
  }
}
if (isAsked('storm')) {
  rows.push(...judged(`${STREAMS} come back at once, 7 KB snapshot, until the last has it`, 'ms', 'storm', { times: 1.3, isBelowPeer: false }));
  rows.push(measured('  CPU a connect', 'µs', 'storm cpu'));
  const grown = measured('memory at its height meanwhile', 'MiB', 'storm rss');
  rows.push({ ...grown, goal: { text: '< 50 MB', met: (grown.ours * MIB) / 1e6 < 50 } });
  if (STORMS > 1) rows.push(measured('  the same when it is not the first', 'MiB', 'later storm rss'));
}
if (isAsked('stalled')) {
  const grown = measured(`memory that 20 % of ${STALLED_STREAMS} readers add by stalling, 64 KB events`, 'MiB', 'stalled');
  rows.push({ ...grown, goal: { text: 'flat: < 20', met: grown.ours < 20 } });
}
// Whole pods take longer to start than the quick lane has.
if (only === 'restart' || (only === undefined && !isQuick)) rows.push(...(await measureRestart({ isQuick })));
report('sse', rows, { isQuick });
