/** Questions in SQL, over an export or straight over the topics. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBus } from '@osago/event-bus';
import { Duck } from './duck.ts';
import { readManifest } from './export-manifest.ts';
import { lanesByPartition, type LogReader, sizeOf, type Window } from './log-reader.ts';
import type { Progress } from './progress.ts';
import { ReplayError } from './replay-error.ts';
import { type Row, toRow } from './rows.ts';
import { viewStatements } from './views.ts';

export interface SqlDeps {
  readonly bus: EventBus;
  readonly reader: LogReader;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const QUERIES = join(import.meta.dirname, '..', 'queries');
/** Rows that are held before DuckDB takes them. */
const BATCH_ROWS = 20_000;
/** Events of legs come until the late window ends; what a request is shown as needs them. */
const LEGS_AFTER_MS = 5 * 60_000;

const withViews = async (duck: Duck, nowMs: number): Promise<Duck> => {
  for (const statement of viewStatements(nowMs)) await duck.run(statement);
  return duck;
};

/** The requests of the window with all their legs, in memory. */
export const duckOverTopics = async (deps: SqlDeps, window: Window, nowMs: number): Promise<Duck> => {
  const { bus, reader, progress, signal } = deps;
  const duck = await Duck.open();
  await duck.createRecords();
  const toMs = window.toMs === undefined ? undefined : window.toMs + LEGS_AFTER_MS;
  const lanes = await lanesByPartition(bus, { fromMs: window.fromMs, toMs });
  let rows: Row[] = [];
  const flush = async (): Promise<void> => {
    await duck.addRecords(rows);
    rows = [];
  };
  progress.begin(sizeOf(lanes));
  await reader.read(
    lanes,
    {
      onRecords: async (records) => {
        for (const record of records) {
          const row = toRow(record);
          const isAfter = window.toMs !== undefined && row.panel !== undefined && record.timestampMs >= window.toMs;
          if (!isAfter) rows.push(row);
        }
        progress.advance(records.length);
        if (rows.length >= BATCH_ROWS) await flush();
      },
    },
    signal,
  );
  await flush();
  progress.end();
  return withViews(duck, nowMs);
};

export const duckOverExport = async (dir: string, nowMs: number): Promise<Duck> => {
  const manifest = await readManifest(dir);
  if (manifest === undefined) throw new ReplayError(`${dir} holds no export`);
  if (manifest.records === 0) throw new ReplayError(`${dir} holds an export without records`);
  const duck = await Duck.open();
  await duck.readExport(dir, manifest.format);
  return withViews(duck, nowMs);
};

export interface ReadyQuestion {
  readonly name: string;
  /** The first line of its file. */
  readonly says: string;
  readonly sql: string;
}

export const readyQuestions = async (): Promise<ReadyQuestion[]> => {
  const files = (await readdir(QUERIES)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(QUERIES, file), 'utf8');
      return { name: file.replace(/\.sql$/, ''), says: (sql.split('\n')[0] ?? '').replace(/^--\s*/, ''), sql };
    }),
  );
};

export const readyQuestion = async (name: string): Promise<ReadyQuestion> => {
  const all = await readyQuestions();
  const found = all.find((question) => question.name === name);
  if (found !== undefined) return found;
  throw new ReplayError(`There is no ready question "${name}"; there are ${all.map((each) => each.name).join(', ')}`);
};
