import { describe, expect, it } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import { COLUMN_NAMES, CSV_HEADER, toCsvLine, toNdjsonLine, toRow } from './rows.ts';
import { givenLog, leg, REQUEST_ID, stamp, submitted } from './replay-given.ts';

const rowOf = (write: (log: ReturnType<typeof givenLog>) => void) => {
  const log = givenLog();
  write(log);
  return toRow(log.records()[0]!);
};

describe('a row', () => {
  it('has the place of its record and what the event says', () => {
    const members = { premium_kopecks: 100, coefficients: { kt: 1.8, kbm: 1, kvs: 1, ko: 1, km: 1.1, ks: 1 } };
    const row = rowOf(({ write }) => write(1_500, leg('alfa', 'quoted', { afterMs: 1_400, members })));
    expect(row).toMatchObject({
      ...{ topic: 'quotes', partition: 1, offset: 0, written_at: '2026-11-21T09:00:01.500Z', request_id: REQUEST_ID },
      ...{ insurer_id: 'alfa', status: 'quoted', class: 6, premium_kopecks: 100, kt: 1.8 },
    });
  });

  it('has all times in UTC, whatever offset they came with', () => {
    const members = { answered_at: '2026-11-21T12:00:01+03:00' };
    const row = rowOf(({ write }) => write(1_500, leg('alfa', 'quoted', { members })));
    expect(row).toMatchObject({ answered_at: '2026-11-21T09:00:01.000Z', deadline_at: stamp(60_000) });
  });

  it('never has the sealed application', () => {
    const row = rowOf(({ write }) => write(0, submitted(['alfa'])));
    expect(row).toMatchObject({ region: '77', revision: 1, panel: [{ insurer_id: 'alfa' }] });
    expect(JSON.stringify(row)).not.toContain('sealed');
  });

  it('masks what insurers say in words of their own', () => {
    const members = {
      reason: { code: 'other', message: 'ask Anna, 79161234567' },
      missing_fields: ['/owner anna@example.com'],
      extras: [{ name: 'VIN XTT6A53PL1N6Y9372', premium_kopecks: 1, mandatory: false }],
    };
    const text = toNdjsonLine(rowOf(({ write }) => write(0, leg('alfa', 'declined', { members }))));
    expect(text).toContain('ask Anna, +7916***4567');
    expect(text).not.toMatch(/79161234567|anna@example|XTT6A53PL1N6Y9372/);
  });

  it('keeps the place of a record that is no event of ours, and none of its content', () => {
    const value = Buffer.from('{"type": "79161234567"}');
    const row = rowOf(({ writeRaw }) => writeRaw(0, { topic: TOPICS.quotes, partition: 2, key: 'x', value }));
    expect(row).toEqual({ topic: 'quotes', partition: 2, offset: 0, written_at: '2026-11-21T09:00:00.000Z', fault: 'the event type is unknown' });
  });
});

describe('a line', () => {
  it('of NDJSON has JSON columns as JSON and leaves out what is absent', () => {
    const line = toNdjsonLine({ topic: 'quotes', offset: 3, missing_fields: ['/owner'], kt: undefined });
    expect(line).toBe('{"topic":"quotes","offset":3,"missing_fields":["/owner"]}\n');
  });

  it('of CSV has every column, with quotes where RFC 4180 wants them', () => {
    const cells = toCsvLine({ topic: 'quotes', reason_message: 'a "b", c\nd', late: false });
    expect(cells).toContain('"a ""b"", c\nd"');
    expect(cells).toContain(',false,');
    expect(CSV_HEADER.trim().split(',')).toEqual(COLUMN_NAMES);
    expect(toCsvLine({}).split(',')).toHaveLength(COLUMN_NAMES.length);
  });
});
