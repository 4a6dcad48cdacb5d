/** One server of bench:sse in a process of its own, told what to do by the parent. */
import type { AddressInfo } from 'node:net';
import { ARMS, type ArmName } from './sse-arms.ts';
import { deliveryOf } from './sse-world.ts';

export interface Task {
  fill?: { requests: number; quoted: number };
  /** Deliveries a second, each to the next stream. */
  feed?: { rate: number; forMs: number; streams: number; paddingBytes?: number };
  /** Says what was spent since the last answer, and collects nothing. */
  watch?: object;
}

export interface Outcome {
  port: number;
  rssBytes: number;
  /** The largest since the last answer. */
  rssBytesMax: number;
  rssBytesMean: number;
  /** Of the deliveries; without any, since the last answer. */
  cpuUs: number;
  delivered: number;
}

const RSS_SAMPLE_MS = 20;
const arm = ARMS[process.argv[2] as ArmName]();
let step = 0;
let rssBytes: number[] = [];
let spentBeforeUs = 0;
setInterval(() => rssBytes.push(process.memoryUsage.rss()), RSS_SAMPLE_MS);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const cpuUs = (): number => process.cpuUsage().user + process.cpuUsage().system;

/** In batches of what has become due, as the log brings them. */
const feed = async ({ rate, forMs, streams, paddingBytes }: NonNullable<Task['feed']>): Promise<number> => {
  const padding = paddingBytes === undefined ? undefined : 'x'.repeat(paddingBytes);
  const startedMs = performance.now();
  let sent = 0;
  for (let forNowMs = 0; forNowMs < forMs; forNowMs = performance.now() - startedMs) {
    for (const due = (forNowMs * rate) / 1_000; sent < due; sent += 1) {
      const stamp = Number(process.hrtime.bigint() / 1_000n);
      arm.deliver({ ...deliveryOf(step, streams, stamp), ...(padding !== undefined && { padding }) }, step + 1);
      step += 1;
    }
    await pause(1);
  }
  return sent;
};

const collect = async (): Promise<void> => {
  for (let times = 0; times < 3; times += 1) {
    globalThis.gc?.();
    await pause(50);
  }
};

const perform = async (task: Task): Promise<Outcome> => {
  if (task.fill) arm.fill(task.fill.requests, task.fill.quoted);
  if (task.feed) spentBeforeUs = cpuUs();
  const delivered = task.feed ? await feed(task.feed) : 0;
  const spentUs = cpuUs() - spentBeforeUs;
  if (!task.feed && !task.watch) await collect();
  const rss = process.memoryUsage.rss();
  const samples = [...rssBytes, rss];
  const { port } = arm.server.address() as AddressInfo;
  rssBytes = [];
  spentBeforeUs = cpuUs();
  const rssBytesMean = samples.reduce((sum, bytes) => sum + bytes, 0) / samples.length;
  return { port, rssBytes: rss, rssBytesMax: Math.max(...samples), rssBytesMean, cpuUs: spentUs, delivered };
};

process.on('message', (task) => {
  void perform(task as Task).then((outcome) => process.send?.(outcome));
});
process.on('disconnect', () => process.exit());
arm.server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => process.send?.('ready'));
