/**
 * The files of one chunk: records of one partition from an offset to an offset, divided by day and insurer. The chunk is
 * in the name of each file, so a file tells whether the manifest already counts it.
 */
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExportFormat } from './arguments.ts';
import type { Duck } from './duck.ts';
import { CSV_HEADER, type Row, toCsvLine, toNdjsonLine } from './rows.ts';

export interface Chunk {
  readonly topic: string;
  readonly partition: number;
  /** The chunk holds every record of the partition in [from, to). */
  readonly from: bigint;
  readonly to: bigint;
  readonly lines: ChunkLines;
}

/** Where rows are that concern no single insurer; no slug begins with an underscore. */
const NO_INSURER = '_none';
const PARTIAL = '.partial';
const NAME = /^(.+)-(\d+)-(\d+)-(\d+)\.(ndjson|csv|parquet)$/;

const BYTES_AT_FIRST = 65_536;
/** Little at a time: what has grown serves chunk after chunk. */
const GROWTH = 1.25;
/** What one UTF-16 code unit may become in UTF-8. */
const BYTES_PER_UNIT_MAX = 3;

/** Lines as the bytes of their file: as strings they would take twice the memory, and be copied by each collection. */
export class FileLines {
  #bytes = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  #length = 0;

  /** Answers with the bytes that it took. */
  add(line: string): number {
    const needed = this.#length + line.length * BYTES_PER_UNIT_MAX;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#bytes.length * GROWTH)));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    const taken = this.#bytes.write(line, this.#length);
    this.#length += taken;
    return taken;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}

/** The lines of a chunk by the folder they belong to. */
export class ChunkLines {
  readonly #byDay = new Map<string, Map<string, FileLines>>();
  readonly #isCsv: boolean;
  /** Of the row before: neighbours were mostly written together. */
  #writtenAt: Row['written_at'];
  #ofDay = new Map<string, FileLines>();
  size = 0;
  bytes = 0;

  readonly #spare: FileLines[];

  /** Parquet is made of lines of NDJSON. `spare`: memory of chunks that are written, for this one and those after it. */
  constructor(format: ExportFormat, spare: FileLines[]) {
    this.#isCsv = format === 'csv';
    this.#spare = spare;
  }

  add(row: Row): void {
    this.bytes += this.#linesOf(row).add(this.#isCsv ? toCsvLine(row) : toNdjsonLine(row));
    this.size += 1;
  }

  #linesOf({ written_at, insurer_id }: Row): FileLines {
    if (written_at !== this.#writtenAt) {
      this.#writtenAt = written_at;
      const day = typeof written_at === 'string' ? written_at.slice(0, 'YYYY-MM-DD'.length) : '';
      this.#ofDay = this.#byDay.get(day) ?? new Map<string, FileLines>();
      this.#byDay.set(day, this.#ofDay);
    }
    const insurer = typeof insurer_id === 'string' ? insurer_id : NO_INSURER;
    const known = this.#ofDay.get(insurer);
    if (known !== undefined) return known;
    const lines = this.#spare.pop() ?? new FileLines();
    if (this.#isCsv) lines.add(CSV_HEADER);
    this.#ofDay.set(insurer, lines);
    return lines;
  }

  folders(): [folder: string, lines: Buffer][] {
    return [...this.#byDay].flatMap(([day, ofDay]) =>
      [...ofDay].map(([insurer, lines]): [string, Buffer] => [`day=${day}/insurer=${insurer}`, lines.bytes]),
    );
  }

  /** To be called when they are files, and nothing of it used after. */
  release(): void {
    for (const lines of [...this.#byDay.values()].flatMap((ofDay) => [...ofDay.values()])) {
      lines.clear();
      this.#spare.push(lines);
    }
    this.#byDay.clear();
  }
}

/** Under a name that no reader takes, until the chunk is whole. */
export const writeChunk = async (
  dir: string,
  format: ExportFormat,
  { topic, partition, from, to, lines: ofChunk }: Chunk,
  duck: Duck | undefined,
): Promise<void> => {
  const files = ofChunk.folders().map(([folder, lines]) => {
    const path = join(dir, folder, `${topic}-${partition}-${from}-${to}.${format}`);
    return { path, partial: path + PARTIAL, lines };
  });
  await Promise.all(files.map(({ path }) => mkdir(dirname(path), { recursive: true })));
  if (format === 'parquet') await duck?.writeParquet(files.map(({ partial, lines }) => ({ path: partial, lines })));
  else await Promise.all(files.map(({ partial, lines }) => writeFile(partial, lines)));
  // The manifest will count them, also when the machine loses power.
  await Promise.all(files.map(({ partial }) => synced(partial)));
  await Promise.all(files.map(({ path, partial }) => rename(partial, path)));
};

const synced = async (path: string): Promise<void> => {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Removes what a killed export has begun and not counted: partial files, and chunks at or above `next`. */
export const removeUncounted = async (
  dir: string,
  next: (topic: string, partition: number) => bigint,
): Promise<number> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  let removed = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const [, topic = '', partition, from] = NAME.exec(entry.name) ?? [];
    const isUncounted = from !== undefined && BigInt(from) >= next(topic, Number(partition));
    if (!isUncounted && !entry.name.endsWith(PARTIAL)) continue;
    await rm(join(entry.parentPath, entry.name));
    removed += 1;
  }
  return removed;
};
