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
  readonly rows: readonly Row[];
}

/** Where rows are that concern no single insurer; no slug begins with an underscore. */
const NO_INSURER = '_none';
const PARTIAL = '.partial';
const NAME = /^(.+)-(\d+)-(\d+)-(\d+)\.(ndjson|csv|parquet)$/;

const folderOf = ({ written_at, insurer_id }: Row): string =>
  join(`day=${String(written_at).slice(0, 10)}`, `insurer=${String(insurer_id ?? NO_INSURER)}`);

const pathsOf = (dir: string, format: ExportFormat, { topic, partition, from, to, rows }: Chunk): Map<string, Row[]> =>
  new Map(
    [...Map.groupBy(rows, folderOf)].map(([folder, own]) => [
      join(dir, folder, `${topic}-${partition}-${from}-${to}.${format}`),
      own,
    ]),
  );

const textOf = (format: 'ndjson' | 'csv', rows: readonly Row[]): string =>
  format === 'csv' ? CSV_HEADER + rows.map(toCsvLine).join('') : rows.map(toNdjsonLine).join('');

/** Under a name that no reader takes, until the chunk is whole. */
export const writeChunk = async (dir: string, format: ExportFormat, chunk: Chunk, duck: Duck | undefined): Promise<void> => {
  const files = pathsOf(dir, format, chunk);
  for (const path of files.keys()) await mkdir(dirname(path), { recursive: true });
  if (format === 'parquet') await duck?.writeParquet([...files].map(([path, rows]) => [path + PARTIAL, rows]));
  else for (const [path, rows] of files) await writeFile(path + PARTIAL, textOf(format, rows));
  for (const path of files.keys()) await rename(path + PARTIAL, path);
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
