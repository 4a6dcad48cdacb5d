/** Questions in SQL, over an export or straight over the topics. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBus } from '@osago/event-bus';
import { Duck } from './duck.ts';
import { readManifest } from './export-manifest.ts';
import { CLOCKS_DIFFER_MS, lanesByPartition, readLanes, type Reading, type Window } from './reading.ts';
import { ReplayError } from './replay-error.ts';
import { type Row, toRow } from './rows.ts';
import { viewStatements } from './views.ts';

export interface SqlDeps extends Reading {
  readonly bus: EventBus;
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

/** A request that was accepted elsewhere: it was read for its neighbours' legs. */
const isOutside = ({ panel, accepted_at }: Row, { fromMs, toMs = Infinity }: Window): boolean => {
  if (panel === undefined || typeof accepted_at !== 'string') return false;
  const acceptedAtMs = Date.parse(accepted_at);
  return acceptedAtMs < fromMs || acceptedAtMs >= toMs;
};

/** The requests that were accepted in the window with all their legs, in memory. */
export const duckOverTopics = async (deps: SqlDeps, window: Window, nowMs: number): Promise<Duck> => {
  const toMs = window.toMs === undefined ? undefined : window.toMs + LEGS_AFTER_MS;
  const lanes = await lanesByPartition(deps.bus, { fromMs: Math.max(window.fromMs - CLOCKS_DIFFER_MS, 0), toMs });
  const duck = await Duck.open({ signal: deps.signal });
  let rows: Row[] = [];
  const flush = async (): Promise<void> => {
    await duck.addRecords(rows);
    rows = [];
  };
  try {
    await duck.createRecords();
    await readLanes(deps, lanes, {
      onRecords: async (records) => {
        for (const record of records) {
          const row = toRow(record);
          if (!isOutside(row, window)) rows.push(row);
        }
        if (rows.length >= BATCH_ROWS) await flush();
      },
    });
    await flush();
    return await withViews(duck, nowMs);
  } catch (error) {
    await duck.close();
    throw error;
  }
};

export const duckOverExport = async (dir: string, nowMs: number, signal?: AbortSignal): Promise<Duck> => {
  const manifest = await readManifest(dir);
  if (manifest === undefined) throw new ReplayError(`${dir} holds no export`);
  if (manifest.records === 0) throw new ReplayError(`${dir} holds an export without records`);
  const duck = await Duck.open({ signal });
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
