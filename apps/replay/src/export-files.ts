/**
 * The files of one chunk: records of one partition from an offset to an offset, divided by day and insurer. The chunk is
 * in the name of each file, so a file tells whether the manifest already counts it.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
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

const folderOf = ({ written_at, insurer_id }: Row): string => {
  const day = typeof written_at === 'string' ? written_at.slice(0, 10) : '';
  return `day=${day}/insurer=${typeof insurer_id === 'string' ? insurer_id : NO_INSURER}`;
};

/** The lines of a chunk by the folder they belong to. Rows become lines at once: a row takes three times the memory. */
export class ChunkLines {
  readonly byFolder = new Map<string, string[]>();
  readonly #toLine: (row: Row) => string;
  size = 0;

  /** Parquet is made of lines of NDJSON. */
  constructor(format: ExportFormat) {
    this.#toLine = format === 'csv' ? toCsvLine : toNdjsonLine;
  }

  add(row: Row): void {
    const folder = folderOf(row);
    const lines = this.byFolder.get(folder);
    if (lines === undefined) this.byFolder.set(folder, [this.#toLine(row)]);
    else lines.push(this.#toLine(row));
    this.size += 1;
  }
}

/** Under a name that no reader takes, until the chunk is whole. */
export const writeChunk = async (
  dir: string,
  format: ExportFormat,
  { topic, partition, from, to, lines: { byFolder } }: Chunk,
  duck: Duck | undefined,
): Promise<void> => {
  const paths: string[] = [];
  for (const [folder, lines] of byFolder) {
    const path = join(dir, folder, `${topic}-${partition}-${from}-${to}.${format}`);
    paths.push(path);
    await mkdir(dirname(path), { recursive: true });
    const text = (format === 'csv' ? CSV_HEADER : '') + lines.join('');
    if (format === 'parquet') await duck?.writeParquet(path + PARTIAL, text);
    else await writeFile(path + PARTIAL, text);
  }
  for (const path of paths) await rename(path + PARTIAL, path);
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
