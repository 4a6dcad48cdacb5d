import { describe, expect, test } from '@jest/globals';
import { createMetrics } from '@osago/service-kit';
import type { Pool } from 'pg';
import { PostgresClock } from './postgres-clock.ts';
import { rememberingLog, TestClock, until } from './testing-events.ts';

/** A Postgres that is so much ahead, and takes so long. */
const setup = ({ aheadMs = 0, tookMs = 0 }: { aheadMs?: number; tookMs?: number } = {}) => {
  const machine = new TestClock();
  const log = rememberingLog();
  const metrics = createMetrics('core-app');
  const postgres = { aheadMs, tookMs, isAway: false, asked: 0 };
  const query = (): Promise<unknown> => {
    postgres.asked += 1;
    if (postgres.isAway) return Promise.reject(new Error('nobody listens'));
    machine.advance(postgres.tookMs / 2);
    const now = new Date(machine.nowMs() + postgres.aheadMs);
    machine.advance(postgres.tookMs / 2);
    return Promise.resolve({ rows: [{ now }] });
  };
  const clock = new PostgresClock({ clock: machine, pool: { query } as unknown as Pool, log, metrics });
  const ahead = (): number => clock.nowMs() - machine.nowMs();
  const offset = async (): Promise<number | undefined> =>
    (await metrics.getSingleMetric('osago_clock_offset_seconds')?.get())?.values[0]?.value;
  return { ahead, clock, log, machine, offset, postgres };
};

describe('the clock of Postgres', () => {
  test.each([700, -700])('is the one that counts: %i ms apart', async (aheadMs) => {
    const { ahead, clock, log, offset } = setup({ aheadMs, tookMs: 20 });
    expect(ahead()).toBe(0);
    expect(await clock.correct()).toBe(true);
    expect(ahead()).toBe(aheadMs);
    expect(await offset()).toBe(aheadMs / 1_000);
    expect(log.lines).toEqual([]);
  });

  test('alarms when this machine is more than a second off', async () => {
    const { clock, log } = setup({ aheadMs: -30_000 });
    await clock.correct();
    expect(log.lines).toMatchObject([{ level: 'error', fields: { delay_ms: -30_000 } }]);
  });

  test('is not taken from an answer that was long under way, nor from one that did not come', async () => {
    const { ahead, clock, postgres } = setup({ aheadMs: 500 });
    await clock.correct();
    Object.assign(postgres, { aheadMs: 9_000, tookMs: 202 });
    expect(await clock.correct()).toBe(false);
    postgres.isAway = true;
    expect(await clock.correct()).toBe(false);
    expect(ahead()).toBe(500);
  });

  test('is read as soon as the process runs', async () => {
    const { ahead, clock } = setup({ aheadMs: 500 });
    const stop = new AbortController();
    const running = clock.run(stop.signal);
    await until(() => ahead() === 500);
    stop.abort();
    await running;
  });
});
