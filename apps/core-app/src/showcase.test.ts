import { describe, expect, test } from '@jest/globals';
import { NO_OFFSETS } from '@osago/quotes';
import { Showcase, SHOWCASE_TTL_MS } from './showcase.ts';
import { at, leg, PARTITION, REQUEST_ID, submitted, timestamp } from './testing-events.ts';

const asked = submitted({ alpha: 60_000 });

const setup = () => {
  const showcase = new Showcase();
  const changes: (string | undefined)[] = [];
  const watch = (): (() => void) =>
    showcase.watch(REQUEST_ID, () => changes.push(showcase.get(REQUEST_ID)?.state.legs['alpha']?.data.status));
  return { showcase, changes, watch };
};

describe('what is shown', () => {
  test('is nothing of an unknown request, and nothing while only legs have come', () => {
    const { showcase } = setup();
    expect(showcase.get(REQUEST_ID)).toBeUndefined();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(showcase.size).toBe(1);
    expect(showcase.get(REQUEST_ID)).toBeUndefined();
  });

  test('has legs that came before the request', () => {
    const { showcase } = setup();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 4);
    showcase.apply(asked, PARTITION, 2);
    const shown = showcase.get(REQUEST_ID);
    expect(shown?.partition).toBe(PARTITION);
    expect(shown?.state).toMatchObject({ offsets: [2, 4, -1], legs: { alpha: { data: { status: 'quoted' } } } });
  });
});

describe('watch', () => {
  test('tells each change until it is stopped', () => {
    const { showcase, changes, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const stop = watch();
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 0);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    stop();
    showcase.apply(leg('alpha', 'declined', { step: 3 }), PARTITION, 2);
    expect(changes).toEqual(['submitted', 'quoted']);
  });

  test('tells nothing of a record that changes nothing, nor of another request', () => {
    const { showcase, changes, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    watch();
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 1);
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 0);
    showcase.apply(leg('alpha', 'quoted', { request_id: 'another' }), PARTITION, 2);
    expect(changes).toEqual([]);
  });

  test('lets one who is told stop watching', () => {
    const { showcase, changes, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const stop = showcase.watch(REQUEST_ID, () => stop());
    watch();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(changes).toEqual(['quoted']);
  });

  test('is a mistake for a request that is not there', () => {
    expect(() => setup().watch()).toThrow('is not in the showcase');
  });
});

describe('load', () => {
  test('shows what Postgres knows, with the offsets that it has seen', () => {
    const { showcase } = setup();
    showcase.load([asked, leg('alpha', 'quoted')], PARTITION, [5, 6, -1]);
    expect(showcase.get(REQUEST_ID)?.state).toMatchObject({
      offsets: [5, 6, -1],
      legs: { alpha: { data: { status: 'quoted' } } },
    });
  });

  test('takes nothing back of what the feed has shown', () => {
    const { showcase } = setup();
    showcase.apply(asked, PARTITION, 9);
    showcase.apply(leg('alpha', 'quoted', { step: 2 }), PARTITION, 8);
    showcase.load([asked, leg('alpha', 'submitted', { step: 1 })], PARTITION, [5, 6, 7]);
    expect(showcase.get(REQUEST_ID)?.state).toMatchObject({
      offsets: [9, 8, 7],
      legs: { alpha: { data: { status: 'quoted' } } },
    });
  });

  test('of a request that only its row knows waits for the log: no offset is seen', () => {
    const { showcase } = setup();
    showcase.load([asked], PARTITION, NO_OFFSETS);
    expect(showcase.get(REQUEST_ID)?.state.offsets).toEqual(NO_OFFSETS);
  });
});

describe('evict', () => {
  const forgetAtMs = at(60_000) + SHOWCASE_TTL_MS;

  test('forgets ten minutes after the last deadline, not before', () => {
    const { showcase } = setup();
    showcase.apply(asked, PARTITION, 0);
    expect(showcase.evict(forgetAtMs - 1)).toBe(0);
    expect(showcase.evict(forgetAtMs)).toBe(1);
    expect(showcase.size).toBe(0);
  });

  test('counts from the deadline of a retry, also of one that came after a look', () => {
    const { showcase } = setup();
    showcase.apply(asked, PARTITION, 0);
    expect(showcase.evict(at(0))).toBe(0);
    const retry = {
      ...asked,
      type: 'osago.leg.retry-asked.v1' as const,
      data: {
        request_id: REQUEST_ID,
        revision: 2,
        insurer_id: 'alpha',
        attempt: 2,
        deadline_at: timestamp(90_000),
        tariff: asked.data.tariff,
        application_sealed: 'sealed',
      },
    };
    showcase.apply(retry, PARTITION, 1);
    expect(showcase.evict(forgetAtMs + 29_999)).toBe(0);
    expect(showcase.evict(forgetAtMs + 30_000)).toBe(1);
  });

  test('keeps a request that somebody still watches', () => {
    const { showcase, watch } = setup();
    showcase.apply(asked, PARTITION, 0);
    const stop = watch();
    expect(showcase.evict(forgetAtMs)).toBe(0);
    stop();
    expect(showcase.evict(forgetAtMs)).toBe(1);
  });

  test('forgets legs whose request never came', () => {
    const { showcase } = setup();
    showcase.apply(leg('alpha', 'quoted'), PARTITION, 0);
    expect(showcase.evict(forgetAtMs - 1)).toBe(0);
    expect(showcase.evict(forgetAtMs)).toBe(1);
  });
});
