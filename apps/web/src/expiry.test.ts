import { describe, expect, test } from '@jest/globals';
import type { Quote } from '@osago/contracts';
import { expiredInsurers, nextExpiryMs } from './expiry.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00.000Z');
const quote = (insurerId: string, inMs: number | undefined, status: Quote['status'] = 'quoted'): Quote => ({
  insurer_id: insurerId,
  name: insurerId,
  status,
  final: true,
  late: false,
  attempt: 1,
  deadline_at: '2026-11-21T09:01:00.000Z',
  ...(inMs !== undefined && { valid_until: new Date(NOW_MS + inMs).toISOString() }),
});

describe('a quote', () => {
  test('does not hold any more from its moment on', () => {
    const quotes = [quote('alfa', -1), quote('beta', 0), quote('gamma', 1), quote('delta', undefined)];
    expect(expiredInsurers(quotes, NOW_MS)).toEqual(new Set(['alfa', 'beta']));
  });

  test('of no price cannot expire', () => {
    expect(expiredInsurers([quote('alfa', -1, 'declined'), quote('beta', -1, 'estimated')], NOW_MS).size).toBe(0);
  });
});

describe('the next one to expire', () => {
  test('is the earliest of those that still hold', () => {
    expect(nextExpiryMs([quote('alfa', -1), quote('beta', 9), quote('gamma', 5)], NOW_MS)).toBe(NOW_MS + 5);
  });

  test('is none where all hold for good or are over', () => {
    expect(nextExpiryMs([quote('alfa', undefined), quote('beta', 0)], NOW_MS)).toBe(Number.POSITIVE_INFINITY);
  });
});
