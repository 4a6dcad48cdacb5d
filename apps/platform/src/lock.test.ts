import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { acquireLock } from './lock.ts';

const cleaning: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

const setup = () => {
  const dir = mkdtempSync(join(tmpdir(), 'osago-lock-'));
  cleaning.push(() => rmSync(dir, { recursive: true }));
  const acquire = async () => {
    const lock = await acquireLock({ dir, url: 'http://127.0.0.1:8080', reaperPid: undefined });
    cleaning.push(() => lock.release());
    return lock;
  };
  return { dir, file: join(dir, 'platform.lock'), acquire };
};

test('a second platform on the same folder is told where the first one is', async () => {
  const { acquire } = setup();
  await acquire();
  await expect(acquire()).rejects.toThrow(/^A platform runs on .* already: http:\/\/127\.0\.0\.1:8080 \(process \d+\)/);
});

test('a released lock can be had again', async () => {
  const { acquire, file } = setup();
  const lock = await acquire();
  await lock.release();
  expect(existsSync(file)).toBe(false);
  await acquire();
});

test('the lock of a platform that was killed is taken over', async () => {
  const { acquire, file } = setup();
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  writeFileSync(file, JSON.stringify({ pid: process.pid, url: 'x', reaper_pid: null, lock_port: port, word: 'w' }));
  await acquire();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ url: 'http://127.0.0.1:8080', pid: process.pid });
});

test('another program at the port of a dead holder is not taken for it', async () => {
  const { acquire, file } = setup();
  const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request')).listen(0, '127.0.0.1');
  cleaning.push(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  writeFileSync(file, JSON.stringify({ pid: process.pid, url: 'x', reaper_pid: null, lock_port: port, word: 'w' }));
  await acquire();
});

test('a file that nobody can read is no lock', async () => {
  const { acquire, file } = setup();
  writeFileSync(file, '');
  await acquire();
});
