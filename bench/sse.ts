/**
 * `npm run bench:sse`: the stream's edge beside a bare `node:http` server that writes with `res.write` (the floor) and
 * better-sse, all fed in their own process, in one run, in turn, several rounds, each measurement with fresh processes;
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
const WARM_UP_MS = isQuick ? 200 : 2_000;
const RATE_MS = isQuick ? 300 : 4_000;
const STALLED_STREAMS = isQuick ? 20 : 250;
const STALLED_MS = isQuick ? 300 : 12_000;
/** Each event of the stalled readers: only megabytes get past the buffers of the system. */
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

const rate = (arm: ArmName, perSecond: number): Promise<void> =>
  withPair(arm, async (pair) => {
    await pair.server({ fill: { requests: STREAMS, quoted: 0 } });
    const { port } = await pair.server({});
    await pair.client({ open: { port, from: 0, to: STREAMS, perSecond: CONNECTS_PER_SECOND } });
    const task = (forMs: number): Task => ({ feed: { rate: perSecond, forMs, streams: STREAMS } });
    const warm = await pair.server(task(WARM_UP_MS));
    await pair.client({ read: { quotes: warm.delivered } });
    const { cpuUs, delivered } = await pair.server(task(RATE_MS));
    const { quotes, p50, p99, p999 } = await pair.client({ read: { quotes: delivered } });
    // A frame that the socket has cut in two is read and not counted.
    if (quotes < delivered * 0.999) throw new Error(`${arm}: ${quotes} of ${delivered} quotes were read`);
    keep(`${arm} ${perSecond} cpu`, cpuUs / delivered);
    keep(`${arm} ${perSecond} p50`, p50);
    keep(`${arm} ${perSecond} p99`, p99);
    keep(`${arm} ${perSecond} p99.9`, p999);
  });

const storm = (arm: ArmName): Promise<void> =>
  withPair(arm, async (pair) => {
    await pair.server({ fill: { requests: STREAMS, quoted: 9 } });
    const port = await warmUp(pair);
    const before = await pair.server({});
    await pair.server({ watch: { forMs: 0 } });
    const { lastMs } = await pair.client({ open: { port, from: 0, to: STREAMS, perSecond: 1_000_000, resumed: true } });
    const after = await pair.server({ watch: { forMs: 0 } });
    keep(`${arm} storm`, lastMs);
    keep(`${arm} storm rss`, (after.rssBytesMax - before.rssBytes) / MIB);
  });

const stalled = (arm: ArmName): Promise<void> =>
  withPair(arm, async (pair) => {
    await pair.server({ fill: { requests: STALLED_STREAMS, quoted: 0 } });
    const { port } = await pair.server({});
    await pair.client({ open: { port, from: 0, to: STALLED_STREAMS, perSecond: CONNECTS_PER_SECOND } });
    const task = (forMs: number): Task => ({
      feed: { rate: STALLED_RATE, forMs, streams: STALLED_STREAMS, paddingBytes: STALLED_EVENT_BYTES },
    });
    // The same without them before: a heap that works takes its size, and the read model what it holds.
    await pair.server(task(STALLED_MS));
    const before = await pair.server({});
    await pair.client({ stall: 0.2 });
    await pair.server(task(STALLED_MS));
    const after = await pair.server({});
    keep(`${arm} stalled`, (after.rssBytes - before.rssBytes) / MIB);
  });

const names = Object.keys(ARMS) as ArmName[];
const isAsked = (part: string): boolean => only === undefined || only === part;
for (let round = 0; round < ROUNDS; round += 1) {
  // Another one first in each round.
  const inTurn = names.map((_, at) => names[(at + round) % names.length] ?? 'ours');
  for (const arm of inTurn) {
    if (isAsked('idle')) await idle(arm);
    for (const perSecond of RATES) if (isAsked('rate')) await rate(arm, perSecond);
    if (isAsked('storm')) await storm(arm);
    if (isAsked('stalled')) await stalled(arm);
  }
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
  const grown = measured('memory at its height meanwhile', 'MiB', 'storm rss');
  rows.push({ ...grown, goal: { text: '< 50 MB', met: (grown.ours * MIB) / 1e6 < 50 } });
}
if (isAsked('stalled')) {
  const grown = measured(`memory with 20 % of ${STALLED_STREAMS} readers stalled, 64 KB events`, 'MiB', 'stalled');
  rows.push({ ...grown, goal: { text: 'flat: < 20', met: grown.ours < 20 } });
}
// Whole pods take longer to start than the quick lane has.
if (only === 'restart' || (only === undefined && !isQuick)) rows.push(...(await measureRestart({ isQuick })));
report('sse', rows, { isQuick });
