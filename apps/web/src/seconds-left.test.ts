import { describe, expect, test } from '@jest/globals';
import type { Quote } from '@osago/contracts';
import type { QuoteView } from '@osago/quote-stream';
import { secondsLeft } from './seconds-left.ts';

const START_MS = Date.parse('2026-11-21T09:00:00.000Z');

const leg = (deadline_at: string, final: boolean): Quote => ({
  insurer_id: 'alfa',
  name: 'Alfa',
  status: final ? 'declined' : 'waiting',
  final,
  late: false,
  attempt: 1,
  deadline_at,
});
const viewOf = (quotes: Quote[], clockOffsetMs = 0): QuoteView => ({
  phase: 'live',
  clockOffsetMs,
  body: {
    request_id: 'r1',
    revision: 1,
    status: 'in_progress',
    accepted_at: '2026-11-21T09:00:00.000Z',
    deadline_at: '2026-11-21T09:01:00.000Z',
    late_until: '2026-11-21T09:03:00.000Z',
    progress: { total: 1, answered: 0, waiting: 1 },
    quotes,
  },
});

describe('the seconds left', () => {
  test('run from sixty to nought and not below', () => {
    const at = (ms: number): number => secondsLeft(viewOf([]), START_MS + ms);
    expect([at(0), at(1), at(1_000), at(59_999), at(60_000), at(90_000)]).toEqual([60, 60, 59, 1, 0, 0]);
  });

  test('go by the clock of the server', () => {
    expect(secondsLeft(viewOf([], -300_000), START_MS + 300_000 + 20_000)).toBe(40);
  });

  test('last as long as an insurer that was asked again may answer', () => {
    const again = '2026-11-21T09:01:30.000Z';
    expect(secondsLeft(viewOf([leg(again, false)]), START_MS)).toBe(90);
    expect(secondsLeft(viewOf([leg(again, true)]), START_MS)).toBe(60);
  });

  test('are none before anything is known', () => {
    expect(secondsLeft({ phase: 'connecting', clockOffsetMs: 0 }, START_MS)).toBe(0);
  });
});
