/**
 * How far an export is. A chunk counts from the moment the manifest that includes it is in place; everything else in the
 * folder is removed before an export goes on. So each record is in the output once, however often it was killed.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartitionRange } from '@osago/event-bus';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { ReplayError } from './replay-error.ts';

const Position = Type.Object({
  topic: Type.String(),
  partition: Type.Integer(),
  from: Type.Integer(),
  /** The first offset that is not in the output. */
  next: Type.Integer(),
  /** Not included; a later call may raise it. */
  to: Type.Integer(),
});

export const Manifest = Type.Object({
  version: Type.Literal(1),
  format: Type.Union([Type.Literal('ndjson'), Type.Literal('csv'), Type.Literal('parquet')]),
  /** False: it holds opened applications. */
  masked: Type.Boolean(),
  from_ms: Type.Integer(),
  records: Type.Integer(),
  finished: Type.Boolean(),
  positions: Type.Array(Position),
});
export type Manifest = Static<typeof Manifest>;
export type Position = Static<typeof Position>;

export const MANIFEST_FILE = 'manifest.json';

/** Undefined where no export has begun. */
export const readManifest = async (dir: string): Promise<Manifest | undefined> => {
  let text: string;
  try {
    text = await readFile(join(dir, MANIFEST_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const manifest: unknown = JSON.parse(text);
  if (Value.Check(Manifest, manifest)) return manifest;
  throw new ReplayError(`${join(dir, MANIFEST_FILE)} is not the manifest of an export`);
};

/** On the disk before it is in place: a machine that loses power has the former one or this one. */
export const writeManifest = async (dir: string, manifest: Manifest): Promise<void> => {
  const path = join(dir, MANIFEST_FILE);
  const partial = `${path}.partial`;
  const file = await open(partial, 'w');
  try {
    await file.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
};

const isSame = (a: { topic: string; partition: number }, b: { topic: string; partition: number }): boolean =>
  a.topic === b.topic && a.partition === b.partition;

/** What is wanted now, on top of what is there: known partitions go on where they stopped, and never end earlier. */
export const mergePositions = (known: readonly Position[], wanted: readonly PartitionRange[]): Position[] => {
  const raised = known.map((position) => {
    const range = wanted.find((candidate) => isSame(candidate, position));
    return { ...position, to: Math.max(position.to, Number(range?.to ?? 0n)) };
  });
  const added = wanted
    .filter((range) => !known.some((position) => isSame(position, range)))
    .map(({ topic, partition, from, to }) => ({ topic, partition, from: Number(from), next: Number(from), to: Number(to) }));
  return [...raised, ...added];
};

/** What retention took before it could be exported, in words; exports do not go on over a hole in silence. */
export const holesOf = (positions: readonly Position[], starts: (topic: string) => readonly bigint[]): string[] =>
  positions.flatMap(({ topic, partition, next, to }) => {
    const start = Number(starts(topic)[partition] ?? 0n);
    return next < to && start > next ? [`${topic}-${partition}: ${next}..${start} are no longer on the log`] : [];
  });
