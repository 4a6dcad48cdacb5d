import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { isReachable, linkLibraries } from './postgres-binaries.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const setup = () => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-binaries-'));
  folders.push(folder);
  return folder;
};

test('a folder below a private one is not reachable by another user', () => {
  const folder = setup();
  const below = join(folder, 'below');
  mkdirSync(below, { mode: 0o755 });
  chmodSync(folder, 0o700);
  expect(isReachable(below)).toBe(false);
  chmodSync(folder, 0o711);
  expect(isReachable(below)).toBe(isReachable(tmpdir()));
});

test('makes the links that npm packs cannot hold, and makes them once', async () => {
  const native = join(setup(), 'native');
  mkdirSync(join(native, 'lib'), { recursive: true });
  writeFileSync(join(native, 'lib', 'libpq.so.5.18'), '');
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  await linkLibraries(native);
  await linkLibraries(native);
  expect(readlinkSync(join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
});

test('links stay within the folder, whatever that is called', async () => {
  const native = join(setup(), 'osago-postgres-18.partial');
  mkdirSync(join(native, 'lib'), { recursive: true });
  const links = [{ source: 'native/lib/a.so.1', target: 'native/lib/a.so' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  await linkLibraries(native);
  expect(readlinkSync(join(native, 'lib', 'a.so'))).toBe('a.so.1');
});
