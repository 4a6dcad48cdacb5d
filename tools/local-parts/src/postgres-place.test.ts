import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { placeOf } from './postgres-place.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const setup = () => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-place-'));
  folders.push(folder);
  const publicDir = join(folder, 'public');
  mkdirSync(publicDir);
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const place = (dataDir: string) => placeOf(join(folder, dataDir), { major: '18', publicDir, user });
  return { folder, publicDir, place };
};

test('an ordinary user has the data in its own folder', async () => {
  const { folder } = setup();
  const place = await placeOf(folder, { major: '18', publicDir: undefined, user: undefined });
  expect(place).toBe(join(folder, 'postgres-18'));
});

test('root has them elsewhere, at the same place each time', async () => {
  const { publicDir, place } = setup();
  const first = await place('a');
  expect(dirname(first)).toBe(publicDir);
  expect(await place('a')).toBe(first);
  expect(await place('b')).not.toBe(first);
});

test('data whose folder was removed are forgotten and cleared away', async () => {
  const { folder, publicDir, place } = setup();
  const [gone, kept] = [await place('gone'), await place('kept')];
  rmSync(join(folder, 'gone'), { recursive: true });
  const next = await place('gone');
  expect(next).not.toBe(gone);
  expect(existsSync(gone)).toBe(false);
  expect(readdirSync(publicDir).sort()).toEqual([kept, next].map((path) => path.slice(publicDir.length + 1)).sort());
});

test.each(['', '..', 'somebody-elses'])('a name that is not ours (%j) is replaced, and nothing is removed', async (name) => {
  const { folder, publicDir, place } = setup();
  mkdirSync(join(publicDir, 'somebody-elses'));
  mkdirSync(join(folder, 'a', 'postgres-18'), { recursive: true });
  writeFileSync(join(folder, 'a', 'postgres-18', 'name'), name);
  expect(await place('a')).toMatch(/osago-postgres-data-[0-9a-f]{12}-[0-9a-f]{12}$/);
  expect(existsSync(join(publicDir, 'somebody-elses'))).toBe(true);
});
