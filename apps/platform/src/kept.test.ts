import { expect, test } from '@jest/globals';
import { Kept, type Running } from './kept.ts';

interface Fake extends Running {
  end(signal: string | null): void;
}

const fake = (pid: number): Fake => {
  let end: Fake['end'] = () => undefined;
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    end = (signal) => resolve({ code: signal === null ? 1 : null, signal });
  });
  return { pid, ended, end, stop: () => Promise.resolve(end('SIGTERM')) };
};

const setup = (again: () => Promise<Running>) => {
  const said: string[] = [];
  const first = fake(1);
  let changed = () => {};
  const nextChange = () => new Promise<void>((resolve) => (changed = resolve));
  const clock = { nowMs: () => 0 };
  const say = (line: string) => void said.push(line);
  const kept = new Kept({ name: 'pod', again, clock, say, changed: () => changed() }, first);
  return { kept, first, said, nextChange };
};

test('starts again what has died, and says so', async () => {
  const { kept, first, said, nextChange } = setup(() => Promise.resolve(fake(2)));
  const change = nextChange();
  first.end('SIGKILL');
  await change;
  expect(kept.pid).toBe(2);
  expect(said).toEqual(['! pod ended (SIGKILL); it is started again in 0.5 s']);
  await kept.stop();
});

test('tries again when the start itself fails', async () => {
  let tries = 0;
  const again = () => (++tries === 1 ? Promise.reject(new Error('no memory')) : Promise.resolve(fake(3)));
  const { kept, first, said, nextChange } = setup(again);
  const change = nextChange();
  first.end(null);
  await change;
  expect(kept.pid).toBe(3);
  expect(said).toContain('! pod could not be started: no memory');
  await kept.stop();
});

test('what was stopped stays stopped', async () => {
  let tries = 0;
  const { kept, first } = setup(() => Promise.resolve(fake(++tries)));
  await kept.stop();
  await first.ended;
  await new Promise((resolve) => setImmediate(resolve));
  expect(tries).toBe(0);
});

test('a stop during the pause ends the pause', async () => {
  let tries = 0;
  const { kept, first, said } = setup(() => Promise.resolve(fake(++tries)));
  first.end(null);
  await new Promise((resolve) => setImmediate(resolve));
  expect(said).toHaveLength(1);
  await kept.stop();
  await new Promise((resolve) => setImmediate(resolve));
  expect(tries).toBe(0);
});
