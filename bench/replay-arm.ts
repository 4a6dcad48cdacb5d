/**
 * One arm of `npm run bench:replay` in a process of its own: reads a window of the three topics, does its work, and sends
 * `{records, ms, rssMiB}`. The clock runs from the first record, for a broker holds back the first join of a group.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REQUEST_TOPICS } from '@osago/contracts';
import { createKafkajsEventBus, KafkajsLogReader, type LogReader, type LogRecord } from '@osago/event-bus';
import { createLog, systemClock } from '@osago/service-kit';
import { Kafka, logLevel } from 'kafkajs';
import { exportRecords } from '../apps/replay/src/export.ts';
import { listRequests } from '../apps/replay/src/list.ts';
import { NO_PROGRESS } from '../apps/replay/src/progress.ts';
import { lanesByPartition } from '../apps/replay/src/reading.ts';
import { readRequest } from '../apps/replay/src/request-log.ts';
import { timelineOf } from '../apps/replay/src/timeline.ts';
import { timelineText } from '../apps/replay/src/timeline-text.ts';

export interface ArmResult {
  records: number;
  ms: number;
  rssMiB: number;
}

const [arm = '', broker = '', requestId = ''] = process.argv.slice(2);
const brokers = [broker];
const signal = new AbortController().signal;
const log = createLog('bench', 'silent');
const connection = { brokers, clientId: 'bench' };
const bus = createKafkajsEventBus({ log }, connection);
const MIB = 2 ** 20;

let records = 0;
let firstAtMs: number | undefined;
const count = (batch: { readonly length: number }): void => {
  firstAtMs ??= performance.now();
  records += batch.length;
};

/** Counts what passes, and starts the clock. */
const counting = (inner: LogReader): LogReader => ({
  read: (lanes, handlers, stop) =>
    inner.read(
      lanes,
      {
        ...handlers,
        onRecords: (batch: readonly LogRecord[]) => {
          count(batch);
          return handlers.onRecords(batch);
        },
      },
      stop,
    ),
});
const reader = counting(new KafkajsLogReader({ log }, connection));
const deps = { bus, reader, clock: systemClock, progress: NO_PROGRESS, signal };

/** The floor: the same client, told nothing but to fetch much, and a parse. */
const bare = async (): Promise<void> => {
  const ends = await Promise.all(REQUEST_TOPICS.map((topic) => bus.endOffsets(topic)));
  const wanted = Number(ends.flat().reduce((sum, end) => sum + end, 0n));
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: `bench-${process.pid}`,
    maxBytesPerPartition: MIB,
    maxBytes: 8 * MIB,
    maxWaitTimeInMs: 250,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [...REQUEST_TOPICS], fromBeginning: true });
  let seen = 0;
  await new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { messages } }) => {
        count(messages);
        for (const { value } of messages) {
          if (typeof JSON.parse(String(value)) === 'object') seen += 1;
        }
        if (seen >= wanted) resolve();
        return Promise.resolve();
      },
    });
  });
  endedAtMs = performance.now();
  await consumer.disconnect();
};

const exported = async (): Promise<void> => {
  const out = mkdtempSync(join(tmpdir(), 'osago-bench-export-'));
  await exportRecords(deps, { out, format: 'parquet', fromMs: 0, toMs: undefined });
  endedAtMs = performance.now();
  rmSync(out, { recursive: true });
};

let endedAtMs: number | undefined;
const arms: Record<string, () => Promise<unknown>> = {
  bare,
  fold: async () => {
    let quotes = 0;
    await listRequests({ ...deps, nowMs: systemClock.nowMs() }, { fromMs: 0 }, ({ view }) => {
      quotes += view.quotes.filter(({ status }) => status === 'quoted').length;
    });
    // Records that cannot be decoded are passed over: of a request, submitted and quoted come from each insurer.
    if (quotes < records * 0.4) throw new Error(`of ${records} records only ${quotes} quotes came`);
  },
  export: exported,
  show: async () => {
    const findPlace = () => Promise.resolve(undefined);
    const log = await readRequest({ ...deps, findPlace }, requestId, { fromMs: 0 });
    const timeline = timelineOf(log.events, systemClock.nowMs());
    if (timeline === undefined) throw new Error(`${requestId} is not there`);
    timelineText(timeline);
    partition = log.partition;
  },
  window: async () => {
    const lanes = await lanesByPartition(bus, { fromMs: 0 }, Number(requestId));
    await reader.read(lanes, { onRecords: () => undefined }, signal);
  },
};
let partition: number | undefined;
await arms[arm]?.();
const ms = (endedAtMs ?? performance.now()) - (firstAtMs ?? 0);
process.send?.({ records, ms, rssMiB: process.resourceUsage().maxRSS / 1_024, partition });
await bus.close();
process.disconnect();
