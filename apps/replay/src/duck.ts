/** DuckDB in memory: the only file that imports it. It fetches no extension and reads no file but those it is told. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection, type Json } from '@duckdb/node-api';
import { ReplayError, StoppedError } from './replay-error.ts';
import { COLUMN_NAMES, COLUMNS, type Row, toNdjsonLine } from './rows.ts';

export type Cell = string | number | boolean | null;
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Questions of analysts share the machine with other work. */
const SETTINGS = { memory_limit: '2GB', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' };
const INTERRUPT_MS = 50;
/** Whole numbers of this size still fit a double; wider ones stay text. */
const WHOLE = /^-?\d{1,15}$/;
const NUMERIC = /^(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U\w*INT\w*|DOUBLE|FLOAT|DECIMAL.*)$/;

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const COLUMN_TYPES = COLUMN_NAMES.map((name) => `${text(name)}: ${text(COLUMNS[name][0])}`).join(', ');

export interface DuckOptions {
  /**
   * Undefined: one for each core, for questions. Those that have nothing to do wait busily: to write small files, one thread
   * takes half the time of the processor that two take.
   */
  readonly threads?: number;
  /** Ends a question that is being answered. */
  readonly signal?: AbortSignal | undefined;
}

export class Duck {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #dir: string;
  readonly #signal: AbortSignal | undefined;
  #interrupting: NodeJS.Timeout | undefined;
  /** A question that is only about to begin does not hear the first. */
  readonly #interrupt = (): void => {
    this.#interrupting ??= setInterval(() => this.#connection.interrupt(), INTERRUPT_MS);
  };

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, dir: string, signal: AbortSignal | undefined) {
    this.#instance = instance;
    this.#connection = connection;
    this.#dir = dir;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#interrupt);
  }

  static async open({ threads, signal }: DuckOptions = {}): Promise<Duck> {
    const dir = await mkdtemp(join(tmpdir(), 'osago-replay-'));
    const settings = { ...SETTINGS, temp_directory: join(dir, 'spilled'), ...(threads !== undefined && { threads: String(threads) }) };
    const instance = await DuckDBInstance.create(':memory:', settings);
    const duck = new Duck(instance, await instance.connect(), dir, signal);
    // So that now() and a time of ours can be compared, wherever the analyst sits.
    await duck.run("SET TimeZone = 'UTC'");
    return duck;
  }

  async run(statement: string): Promise<void> {
    await this.#connection.run(statement);
  }

  /** Throws {@link ReplayError} with DuckDB's own words for what it cannot answer, {@link StoppedError} when it is stopped. */
  async ask(question: string): Promise<Answer> {
    try {
      const reader = await this.#connection.runAndReadAll(question);
      const types = reader.columnTypes().map(String);
      return {
        columns: reader.deduplicatedColumnNames(),
        rows: reader.getRowsJson().map((row) => row.map((value, at) => toCell(value, types[at] ?? ''))),
      };
    } catch (error) {
      if (this.#signal?.aborted === true) throw new StoppedError();
      throw new ReplayError((error as Error).message, { cause: error });
    }
  }

  /** A NDJSON file in between takes half the time of a call for each cell. */
  async #staged(each: readonly (string | Buffer)[], use: (sources: string[]) => Promise<void>): Promise<void> {
    const paths = each.map((_, at) => join(this.#dir, `rows-${at}.ndjson`));
    try {
      await Promise.all(paths.map((path, at) => writeFile(path, each[at] ?? '')));
      await use(paths.map((path) => `read_json(${text(path)}, format = 'newline_delimited', columns = {${COLUMN_TYPES}})`));
    } finally {
      await Promise.all(paths.map((path) => rm(path, { force: true })));
    }
  }

  async createRecords(): Promise<void> {
    const columns = COLUMN_NAMES.map((name) => `"${name}" ${COLUMNS[name][0]}`);
    await this.run(`CREATE TABLE records (${columns.join(', ')})`);
  }

  async addRecords(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const lines = rows.map(toNdjsonLine).join('');
    await this.#staged([lines], ([source]) => this.run(`INSERT INTO records SELECT * FROM ${source}`));
  }

  /**
   * Writes rows, given as lines of NDJSON, as files, with one call: a caller that is busy meanwhile comes to hear of the end
   * of one, and begins the next, only some tens of milliseconds later.
   */
  async writeParquet(files: readonly { readonly path: string; readonly lines: Buffer }[]): Promise<void> {
    await this.#staged(
      files.map(({ lines }) => lines),
      (sources) => this.run(files.map(({ path }, at) => copyTo(path, sources[at] ?? '')).join('; ')),
    );
  }

  /** The records of an export, whatever its format, without copying them. */
  async readExport(dir: string, format: 'ndjson' | 'csv' | 'parquet'): Promise<void> {
    const files = text(join(dir, '*', '*', `*.${format}`));
    const source = {
      ndjson: `read_json(${files}, format = 'newline_delimited', columns = {${COLUMN_TYPES}}, hive_partitioning = false)`,
      csv: `read_csv(${files}, header = true, columns = {${COLUMN_TYPES}}, hive_partitioning = false)`,
      parquet: `read_parquet(${files}, hive_partitioning = false)`,
    }[format];
    await this.run(`CREATE VIEW records AS SELECT * FROM ${source}`);
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#interrupt);
    clearInterval(this.#interrupting);
    this.#connection.closeSync();
    this.#instance.closeSync();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

const copyTo = (path: string, source: string): string =>
  `COPY (SELECT * FROM ${source}) TO ${text(path)} (FORMAT parquet, COMPRESSION zstd)`;

const toCell = (value: Json, type: string): Cell => {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'string') return JSON.stringify(value);
  const isNumber = NUMERIC.test(type) && (WHOLE.test(value) || /^(?:DOUBLE|FLOAT|DECIMAL)/.test(type));
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : value;
};
