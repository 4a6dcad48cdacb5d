import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Duck } from './duck.ts';
import { exportRecords } from './export.ts';
import { at, givenLog, writeWholeRequest } from './replay-given.ts';
import { duckOverTopics, readyQuestion } from './sql.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

describe('a question', () => {
  it('has the same answer wherever the analyst sits: times are UTC', async () => {
    const log = givenLog();
    writeWholeRequest(log);
    const out = await mkdtemp(join(tmpdir(), 'replay-zone-'));
    await exportRecords(log, { out, format: 'parquet', fromMs: 0, toMs: undefined });
    const question = `SELECT current_setting('TimeZone') AS zone, accepted_at::VARCHAR AS text,
                             accepted_at::TIMESTAMPTZ = '2026-11-21T09:00:00Z'::TIMESTAMPTZ AS same FROM requests`;
    const args = ['--no-warnings', MAIN, 'sql', '--export', out, '--json', question];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: '', TZ: 'Asia/Vladivostok' } });
    expect(JSON.parse(stdout)).toEqual({ zone: 'UTC', text: '2026-11-21 09:00:00', same: true });
    await rm(out, { recursive: true });
  });

  it('ends when it is stopped', async () => {
    const stop = new AbortController();
    const duck = await Duck.open({ signal: stop.signal });
    const asked = duck.ask('SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b');
    stop.abort();
    await expect(asked).rejects.toThrow('stopped');
    await duck.close();
  });

  it('counts an insurer that was never the cheapest as such', async () => {
    const log = givenLog();
    writeWholeRequest(log);
    const duck = await duckOverTopics(log, { fromMs: 0 }, at(70_000));
    const { columns, rows } = await duck.ask((await readyQuestion('conversion-by-insurer')).sql);
    const cheapest = rows.map((row) => [row[columns.indexOf('insurer_id')], row[columns.indexOf('cheapest')]]);
    expect(cheapest).toEqual([['alfa', 1], ['beta', 0], ['gamma', 0]]);
    await duck.close();
  });
});
