import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Value } from '@sinclair/typebox/value';
import { partVersions } from './part-versions.ts';
import { type KeptResult, pageOf, Result } from './result-page.ts';

const kept: KeptResult = {
  name: 'outbox',
  at: '2026-11-21T12:00:00.000Z',
  node: 'v24.21.0',
  cpus: 2,
  rows: [
    { metric: 'commit → consumer, p50', unit: 'ms', ours: 1.264, floor: 1.258, ratio: 1.0046, spread: 0.711, goal: '≤ 1.2 ×', met: true },
    { metric: 'idle', unit: '% of a core', ours: 1.3, goal: '≤ 1', met: false },
    { metric: '  a|b', unit: '1/s', ours: 52_345.6 },
  ],
  conditions: {
    command: 'npm run bench:outbox', commit: '0123456789', cpuModel: 'a CPU', memoryGb: 24, os: 'Linux 6', kafka: '4.3.1', postgres: '18.4',
  },
};

describe('the page of a result', () => {
  const page = pageOf(kept);

  it('says under which conditions it was measured', () => {
    for (const condition of [
      'Command:** `npm run bench:outbox` at commit 0123456789',
      'When:** 2026-11-21T12:00:00.000Z',
      'Machine:** 2 × a CPU, 24 GB, Linux 6',
      'Versions:** Node 24.21.0, Kafka 4.3.1, Postgres 18.4',
      'Goals:** 1 of 2 met',
    ]) {
      expect(page).toContain(condition);
    }
  });

  it('has a row for each metric, and leaves empty what was not measured', () => {
    expect(page.split('\n').filter((line) => line.startsWith('| ')).slice(1)).toEqual([
      '| commit → consumer, p50 | ms | 1.26 | 1.26 | 1.00 | 71 % | ≤ 1.2 × | met |',
      '| idle | % of a core | 1.30 |  |  |  | ≤ 1 | **missed** |',
      '| a\\|b | 1/s | 52346 |  |  |  |  |  |',
    ]);
  });
});

it('takes what report writes, and no name that would leave the folder', () => {
  const { conditions: _, ...result } = kept;
  expect(Value.Check(Result, result)).toBe(true);
  expect(Value.Check(Result, { ...result, name: '../outbox' })).toBe(false);
  expect(Value.Check(Result, { ...result, rows: [] })).toBe(false);
});

it('knows the versions of the parts', () => {
  const { kafka, postgres } = partVersions(join(import.meta.dirname, '..'));
  expect([kafka, postgres]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/), expect.stringMatching(/^\d+\.\d+/)]);
});
