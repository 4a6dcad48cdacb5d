import { describe, expect, it } from '@jest/globals';
import { answerCsv, answerNdjson, answerTable } from './answer-text.ts';

const ANSWER = { columns: ['insurer', 'share'], rows: [['alfa', 0.5], ['a "b", c', null]] };

describe('an answer', () => {
  it('is a table with numbers on the right', () => {
    expect(answerTable(ANSWER).split('\n')).toEqual(['insurer   share', '────────  ─────', 'alfa        0.5', 'a "b", c', '2 rows', '']);
  });

  it('is CSV and NDJSON for programs', () => {
    expect(answerCsv(ANSWER)).toBe('insurer,share\nalfa,0.5\n"a ""b"", c",\n');
    expect(answerNdjson(ANSWER)).toBe('{"insurer":"alfa","share":0.5}\n{"insurer":"a \\"b\\", c","share":null}\n');
  });

  it('may have more rows than a call has arguments', () => {
    const rows = Array.from({ length: 200_000 }, (_, at) => [at]);
    expect(answerTable({ columns: ['n'], rows })).toContain('\n199999\n200000 rows\n');
  });
});
