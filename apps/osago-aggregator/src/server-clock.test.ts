import { describe, expect, test } from '@jest/globals';
import { createLog, createMetrics } from '@osago/service-kit';
import { ServerClock } from './server-clock.ts';

const setup = (startMs = 1_000_000) => {
  const machine = { atMs: startMs };
  const lines: { msg: string }[] = [];
  const metrics = createMetrics('test');
  const log = createLog('test', 'info', { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) });
  const clock = new ServerClock({ clock: { nowMs: () => machine.atMs }, log, metrics });
  return { clock, machine, lines, metrics };
};

describe('the clock', () => {
  test('is that of the machine until Redis has been heard', () => {
    expect(setup().clock.nowMs()).toBe(1_000_000);
  });

  test('is that of Redis from then on, half the way of the answer later', () => {
    const { clock, machine } = setup();
    clock.heard(1_000_400, 20);
    expect(clock.nowMs()).toBe(1_000_410);
    machine.atMs += 5_000;
    expect(clock.nowMs()).toBe(1_005_410);
  });

  test('is corrected once a minute, by answers that were quick', () => {
    const { clock, machine } = setup();
    clock.heard(1_000_400, 20);
    machine.atMs += 59_999;
    clock.heard(machine.atMs, 0);
    expect(clock.nowMs() - machine.atMs).toBe(410);
    machine.atMs += 1;
    clock.heard(machine.atMs + 100, 201);
    expect(clock.nowMs() - machine.atMs).toBe(410);
    clock.heard(machine.atMs + 100, 0);
    expect(clock.nowMs() - machine.atMs).toBe(100);
  });

  test('alarms when it is more than a second off, and says by how much', async () => {
    const { clock, lines, metrics } = setup();
    clock.heard(1_001_000, 0);
    expect(lines).toEqual([]);
    const other = setup();
    other.clock.heard(998_500, 0);
    expect(other.lines).toMatchObject([{ msg: 'the clock of this machine is wrong, that of Redis is used', delay_ms: -1_500 }]);
    expect(await other.metrics.metrics()).toMatch(/^osago_clock_offset_seconds\S* -1.5$/m);
    expect(await metrics.metrics()).toMatch(/^osago_clock_offset_seconds\S* 1$/m);
  });
});
