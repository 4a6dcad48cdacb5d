/** Writes every record of a window once, from live topics, so that a call after a kill goes on where it stopped. */
import { chmod, mkdir } from 'node:fs/promises';
import { REQUEST_TOPICS } from '@osago/contracts';
import type { EventBus, LogReader, LogRecord, TopicPartition } from '@osago/event-bus';
import type { Clock } from '@osago/service-kit';
import type { ExportFormat } from './arguments.ts';
import { ApplicationOpener, type Decrypted, type DecryptOptions } from './decryption.ts';
import { Duck } from './duck.ts';
import { type Chunk, ChunkLines, type FileLines, removeUncounted, writeChunk } from './export-files.ts';
import { holesOf, type Manifest, mergePositions, type Position, readManifest, writeManifest } from './export-manifest.ts';
import { rangesOf, sizeOf } from './reading.ts';
import type { Progress } from './progress.ts';
import { ReplayError } from './replay-error.ts';
import { toRow } from './rows.ts';

export interface ExportDeps {
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly reader: LogReader;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface ExportOptions {
  readonly out: string;
  readonly format: ExportFormat | undefined;
  readonly fromMs: number;
  readonly toMs: number | undefined;
  /** Opens the applications; without it the export is masked. */
  readonly decrypt?: DecryptOptions | undefined;
  /** Lines that are held before they become files; tests make it small. */
  readonly chunkBytes?: number;
}

export interface Exported {
  /** Of this call. */
  readonly records: number;
  /** Of all calls. */
  readonly total: number;
  readonly format: ExportFormat;
  readonly isResumed: boolean;
  readonly finished: boolean;
  readonly decrypted?: Decrypted;
}

/** About 30,000 quotes: few files, little memory, and little to repeat after a kill. */
const CHUNK_BYTES = 24 * 1_048_576;
const GONE = 'records are gone before they could be exported';
const moment = (ms: number): string => new Date(ms).toISOString();
const SHORT: (topic: string) => string = (topic) => topic.split('.')[1] ?? topic;

/** An export goes on as it was begun. */
const refuseOther = (known: Manifest, { out, format, fromMs }: ExportOptions, masked: boolean): void => {
  if (format !== undefined && format !== known.format) {
    throw new ReplayError(`${out} holds an export as ${known.format}, and cannot go on as ${format}`);
  }
  if (known.masked !== masked) {
    throw new ReplayError(`${out} holds an export ${known.masked ? 'without' : 'with'} applications, and goes on so only`);
  }
  // A later one is what `--from 24h` has become since.
  if (fromMs > 0 && fromMs < known.from_ms) {
    throw new ReplayError(`${out} holds an export from ${moment(known.from_ms)} on: leave --from out, or take another folder`);
  }
};

const begin = async ({ bus }: ExportDeps, options: ExportOptions): Promise<[Manifest, boolean]> => {
  const { out, format, toMs, decrypt } = options;
  const masked = decrypt === undefined;
  await mkdir(out, { recursive: true });
  // Opened applications are for who asked for them.
  if (!masked) await chmod(out, 0o700);
  const known = await readManifest(out);
  if (known !== undefined) refuseOther(known, options, masked);
  const from = known?.from_ms ?? options.fromMs;
  const wanted = (await Promise.all(REQUEST_TOPICS.map((topic) => rangesOf(bus, topic, { fromMs: from, toMs })))).flat();
  const positions = mergePositions(known?.positions ?? [], wanted);
  const starts = new Map<string, bigint[]>();
  const ends = new Map<string, bigint[]>();
  for (const topic of REQUEST_TOPICS) {
    starts.set(topic, await bus.startOffsets(topic));
    ends.set(topic, await bus.endOffsets(topic));
  }
  const holes = holesOf(positions, (topic) => starts.get(topic) ?? []);
  if (holes.length > 0) throw new ReplayError(`${GONE}: ${holes.join('; ')}`);
  const other = positions.find(({ topic, partition, next }) => (ends.get(topic)?.[partition] ?? 0n) < next);
  if (other !== undefined) {
    throw new ReplayError(`${out} holds an export of another log: ${other.topic}-${other.partition} has no offset ${other.next - 1}`);
  }
  const manifest: Manifest = {
    version: 1,
    format: known?.format ?? format ?? 'ndjson',
    masked,
    from_ms: from,
    records: known?.records ?? 0,
    finished: false,
    positions,
  };
  return [manifest, known !== undefined];
};

export const exportRecords = async (deps: ExportDeps, options: ExportOptions): Promise<Exported> => {
  const { reader, progress, signal } = deps;
  const { out, chunkBytes = CHUNK_BYTES } = options;
  const [manifest, isResumed] = await begin(deps, options);
  const before = manifest.records;
  const positionOf = (topic: string, partition: number) =>
    manifest.positions.find((position) => SHORT(position.topic) === SHORT(topic) && position.partition === partition);
  await removeUncounted(out, (topic, partition) => BigInt(positionOf(topic, partition)?.next ?? 0));
  await writeManifest(out, manifest);
  const scope = { out, from: moment(manifest.from_ms), to: options.toMs === undefined ? 'end' : moment(options.toMs) };
  const opener = options.decrypt && (await ApplicationOpener.begin(options.decrypt, scope, deps.clock));
  const duck = manifest.format === 'parquet' ? await Duck.open({ threads: 1 }) : undefined;
  const spare: FileLines[] = [];
  let lines = new ChunkLines(manifest.format, spare);
  /** Where the lines gathered now begin, for each partition; the manifest follows when they are files. */
  const gathered = new Map(manifest.positions.map((position) => [position, position.next]));
  let writing: Promise<void> = Promise.resolve();

  const write = async (chunk: Chunk, position: Position): Promise<void> => {
    if (chunk.lines.size > 0) await writeChunk(out, manifest.format, chunk, duck);
    position.next = Number(chunk.to);
    manifest.records += chunk.lines.size;
    await writeManifest(out, manifest);
    chunk.lines.release();
  };

  /**
   * The lines gathered so far, all of one partition, become files, and then count. The next ones are gathered meanwhile; no
   * more than one chunk is being written.
   */
  const flush = async ({ topic, partition }: TopicPartition, to: bigint): Promise<void> => {
    const position = positionOf(topic, partition);
    const from = position && gathered.get(position);
    if (position === undefined || from === undefined || to <= BigInt(from)) return;
    const chunk: Chunk = { topic: SHORT(topic), partition, from: BigInt(from), to, lines };
    lines = new ChunkLines(manifest.format, spare);
    gathered.set(position, Number(to));
    await writing;
    writing = write(chunk, position);
    writing.catch(() => undefined); // Whoever waits for it next is told.
  };

  const ranges = manifest.positions
    .filter(({ next, to }) => next < to)
    .map(({ topic, partition, next, to }) => ({ topic, partition, from: BigInt(next), to: BigInt(to) }));
  // A partition at a time: lines of one chunk are neighbours on the log.
  const lanes = ranges.map((range) => [range]);
  /** The first offset that has not been seen of the partition that is being read. */
  let expected = ranges[0]?.from ?? 0n;
  const onRecords = async (records: readonly LogRecord[]): Promise<void> => {
    const [first] = records;
    // Markers of transactions leave gaps too; what retention takes while we read is another matter.
    if (first !== undefined && first.offset > expected) {
      const start = (await deps.bus.startOffsets(first.topic))[first.partition] ?? 0n;
      const hole = `${first.topic}-${first.partition}: ${expected}..${start} went while it was read`;
      if (start > expected) throw new ReplayError(`${GONE}: ${hole}`);
    }
    expected = (records.at(-1)?.offset ?? expected) + 1n;
    for (const record of records) {
      const row = toRow(record);
      if (opener !== undefined) row.application = await opener.applicationOf(record);
      lines.add(row);
      if (lines.bytes >= chunkBytes) await flush(record, record.offset + 1n);
    }
    progress.advance(records.length);
  };
  const onLaneEnd = async (lane: number): Promise<void> => {
    const [range] = lanes[lane] ?? [];
    if (range !== undefined) await flush(range, range.to);
    expected = lanes[lane + 1]?.[0]?.from ?? 0n;
  };
  progress.begin(sizeOf(lanes));
  try {
    await reader.read(lanes, { onRecords, onLaneEnd }, signal);
    await writing;
  } finally {
    await writing.catch(() => undefined);
    progress.end();
    await duck?.close();
  }
  manifest.finished = !signal.aborted;
  await writeManifest(out, manifest);
  const { records, format, finished } = manifest;
  const exported = { records: records - before, total: records, format, isResumed, finished };
  return opener === undefined ? exported : { ...exported, decrypted: await opener.end() };
};
