import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogReader } from '@osago/event-bus';
import { exportRecords } from './export.ts';
import { at, givenLog, type GivenLog, leg, OTHER_ID, REQUEST_ID, writeWholeRequest } from './replay-given.ts';
import { duckOverExport } from './sql.ts';

describe('an export', () => {
  let log: GivenLog;
  let out: string;
  beforeEach(async () => {
    log = givenLog();
    writeWholeRequest(log);
    writeWholeRequest(log, OTHER_ID, 2);
    out = await mkdtemp(join(tmpdir(), 'replay-export-'));
  });
  afterEach(() => rm(out, { recursive: true }));

  const options = { format: undefined, fromMs: 0, toMs: undefined, chunkBytes: 700 };
  const files = async (): Promise<string[]> =>
    (await readdir(out, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name !== 'manifest.json')
      .map(({ parentPath, name }) => join(parentPath.slice(out.length + 1), name))
      .sort();
  const lines = async (): Promise<string[]> =>
    (await Promise.all((await files()).map((file) => readFile(join(out, file), 'utf8')))).flatMap((text) => text.trim().split('\n'));
  const places = async (): Promise<string[]> =>
    (await lines())
      .map((line) => JSON.parse(line) as { topic: string; partition: number; offset: number })
      .map(({ topic, partition, offset }) => `${topic}-${partition}-${offset}`)
      .sort();
  const onLog = (): string[] =>
    log.records().map(({ topic, partition, offset }) => `${topic.split('.')[1]}-${partition}-${offset}`).sort();

  /** Dies after so many records, as a process does: what was begun stays as it is. */
  const dyingAfter = (records: number): LogReader => ({
    read: async (lanes, handlers, signal) => {
      let left = records;
      await log.reader.read(
        lanes,
        {
          ...handlers,
          onRecords: async (batch) => {
            for (const record of batch) {
              if ((left -= 1) < 0) throw new Error('killed');
              await handlers.onRecords([record]);
            }
          },
        },
        signal,
      );
    },
  });

  it('has every record once, by day and insurer', async () => {
    await expect(exportRecords(log, { ...options, out })).resolves.toMatchObject({ records: 14, finished: true, isResumed: false });
    expect(await places()).toEqual(onLog());
    expect(await files()).toContain('day=2026-11-21/insurer=alfa/quotes-1-2-4.ndjson');
    expect(await files()).toContain('day=2026-11-21/insurer=_none/requests-1-0-1.ndjson');
  });

  it('has every record once after being killed anywhere', async () => {
    for (let records = 0; records <= 14; records += 1) {
      await rm(out, { recursive: true });
      await exportRecords({ ...log, reader: dyingAfter(records) }, { ...options, out }).catch(() => undefined);
      await exportRecords(log, { ...options, out });
      expect({ records, places: await places() }).toEqual({ records, places: onLog() });
    }
  });

  it('removes what a kill left behind before it was counted', async () => {
    await exportRecords({ ...log, reader: dyingAfter(5) }, { ...options, out }).catch(() => undefined);
    const folder = join(out, 'day=2026-11-21', 'insurer=alfa');
    await writeFile(join(folder, 'quotes-1-4-5.ndjson'), '{"topic":"quotes","partition":1,"offset":4}\n');
    await writeFile(join(folder, 'quotes-2-0-2.ndjson.partial'), '{"topic"');
    await exportRecords(log, { ...options, out });
    expect(await places()).toEqual(onLog());
  });

  it('goes on with what has come since, when it is called again', async () => {
    await exportRecords(log, { ...options, out });
    log.write(80_000, leg('gamma', 'quoted', { afterMs: 79_000, late: true }));
    await expect(exportRecords(log, { ...options, out })).resolves.toMatchObject({ records: 1, total: 15, isResumed: true });
    expect(await places()).toEqual(onLog());
  });

  it('takes a window of time', async () => {
    await exportRecords(log, { ...options, out, fromMs: at(1_000), toMs: at(50_000) });
    expect(await places()).toEqual(['quotes-1-3', 'quotes-1-4', 'quotes-2-3', 'quotes-2-4']);
  });

  it('does not mix formats or windows in one folder', async () => {
    await exportRecords(log, { ...options, out });
    await expect(exportRecords(log, { ...options, out, format: 'csv' })).rejects.toThrow('as ndjson, and cannot go on as csv');
  });

  it('goes on when --from 24h has become a later moment, and cannot go back to an earlier one', async () => {
    await exportRecords({ ...log, reader: dyingAfter(3) }, { ...options, out, fromMs: at(100) }).catch(() => undefined);
    await exportRecords(log, { ...options, out, fromMs: at(2_500) });
    expect(await places()).toEqual(onLog().filter((place) => !place.startsWith('requests')));
    await expect(exportRecords(log, { ...options, out, fromMs: at(5) })).rejects.toThrow('leave --from out');
  });

  it('does not go on with another log', async () => {
    await exportRecords(log, { ...options, out });
    const other = givenLog();
    writeWholeRequest(other, OTHER_ID, 2);
    await expect(exportRecords(other, { ...options, out })).rejects.toThrow('an export of another log');
  });

  it('does not pass over records that retention takes while it reads', async () => {
    const late: LogReader = {
      read: (lanes, handlers, signal) => {
        log.bus.startOffsets = () => Promise.resolve([0n, 2n, 2n, 0n]);
        const left = lanes.map((lane) => lane.map((range) => ({ ...range, from: range.from < 2n ? 2n : range.from })));
        return log.reader.read(left, handlers, signal);
      },
    };
    const quotes = { ...options, out, fromMs: at(100), toMs: at(50_000) };
    await expect(exportRecords({ ...log, reader: late }, quotes)).rejects.toThrow('osago.quotes.v1-1: 0..2 went while it was read');
  });

  it('does not go on over records that retention has taken', async () => {
    await exportRecords({ ...log, reader: dyingAfter(3) }, { ...options, out }).catch(() => undefined);
    log.bus.startOffsets = () => Promise.resolve([0n, 5n, 5n, 0n]);
    await expect(exportRecords(log, { ...options, out })).rejects.toThrow('are no longer on the log');
  });

  it('holds the same in every format', async () => {
    const question = `SELECT topic, partition, "offset", written_at, request_id, insurer_id, status, total_kopecks, panel::VARCHAR AS panel
                      FROM records ORDER BY ALL`;
    const answers = [];
    for (const format of ['ndjson', 'csv', 'parquet'] as const) {
      await rm(out, { recursive: true, force: true });
      await exportRecords(log, { ...options, out, format });
      const duck = await duckOverExport(out, at(70_000));
      answers.push((await duck.ask(question)).rows);
      await duck.close();
    }
    expect(answers[0]).toHaveLength(14);
    expect(answers[0]!.flat()).toContain(REQUEST_ID);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });
});
