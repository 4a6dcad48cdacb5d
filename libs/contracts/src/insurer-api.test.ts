import { describe, expect, test } from '@jest/globals';
import {
  ApplicationPending,
  ApplicationReady,
  ApplicationRefused,
  checker,
  InsurerAnswer,
  InsurersFile,
} from './index.ts';

const quote = { premium_kopecks: 700_000 };

describe('an answer of the standard protocol', () => {
  test.each<[string, (value: unknown) => { ok: boolean }, unknown, boolean]>([
    ['pending', checker(ApplicationPending), { application_id: 'a', status: 'pending' }, true],
    ['pending without its id', checker(ApplicationPending), { status: 'pending' }, false],
    ['pending with an empty id', checker(ApplicationPending), { application_id: '', status: 'pending' }, false],
    ['ready', checker(ApplicationReady), { application_id: 'a', status: 'ready', quote }, true],
    ['ready without a quote', checker(ApplicationReady), { application_id: 'a', status: 'ready' }, false],
    ['refused', checker(ApplicationRefused), { status: 'declined' }, true],
    ['refused as ready', checker(ApplicationRefused), { status: 'ready' }, false],
    ['an estimate', checker(InsurerAnswer), { application_id: 'a', status: 'estimated', quote }, true],
    ['an estimate without a price', checker(InsurerAnswer), { application_id: 'a', status: 'estimated', quote: {} }, false],
    ['failed', checker(InsurerAnswer), { application_id: 'a', status: 'failed' }, true],
    ['an unknown status', checker(InsurerAnswer), { application_id: 'a', status: 'done' }, false],
    ['more than we know', checker(InsurerAnswer), { application_id: 'a', status: 'pending', eta: 5 }, true],
    ['rubles', checker(InsurerAnswer), { application_id: 'a', status: 'ready', quote: { premium_kopecks: 7_000.5 } }, false],
  ])('may be %s', (_, check, value, isRight) => {
    expect(check(value).ok).toBe(isRight);
  });
});

describe('the file of insurers', () => {
  const check = checker(InsurersFile);
  const complete = {
    insurer_id: 'alfa',
    name: 'Альфа',
    base_url: 'http://a',
    adapter: 'standard',
    rate_per_s: 50,
    burst: 50,
    concurrency: 20,
    deadline_ms: 60_000,
    post_timeout_ms: 5_000,
    cache_hours: 0,
  };

  test('lists who is asked and within which limits', () => {
    expect(check([complete]).ok).toBe(true);
  });

  test.each<[string, object]>([
    ['an insurer without an id', { insurer_id: undefined }],
    ['a deadline over a minute', { deadline_ms: 60_001 }],
    ['no calls at all', { concurrency: 0 }],
    ['a rate of zero', { rate_per_s: 0 }],
    ['an adapter without a name', { adapter: '' }],
    ['more calls at once than there are sockets for', { concurrency: 101 }],
    ['a member it does not know', { retries: 3 }],
  ])('does not take %s', (_, change) => {
    expect(check([{ ...complete, ...change }]).ok).toBe(false);
  });

  test('is neither empty nor longer than a hundred', () => {
    expect(check([]).ok).toBe(false);
    expect(check(Array(101).fill(complete)).ok).toBe(false);
  });
});
