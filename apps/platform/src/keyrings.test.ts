import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { loadKeyring, loadSecrets } from '@osago/service-kit';
import { ensureKeyrings } from './keyrings.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const setup = () => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-keys-'));
  folders.push(folder);
  return ensureKeyrings(join(folder, 'keys'));
};

test('what the public log key seals only the private one opens', async () => {
  const { logPublic, logPrivate } = await setup();
  const [sealing, opening] = [await loadKeyring(logPublic), await loadKeyring(logPrivate)];
  const sealed = await sealing.seal('a person');
  expect(await opening.open(sealed)).toBe('a person');
  await expect(sealing.open(sealed)).rejects.toThrow();
  expect(readFileSync(logPublic, 'utf8')).not.toContain('"d"');
});

test('the store key seals and opens, the access key is 256 bit', async () => {
  const { store, access } = await setup();
  const ring = await loadKeyring(store);
  expect(await ring.open(await ring.seal('a row'))).toBe('a row');
  expect([...loadSecrets(access).values()].map((key) => key.length)).toEqual([32]);
});

test('keys are the owner’s alone and stay the same', async () => {
  const first = await setup();
  const paths: string[] = Object.values(first);
  const read = () => paths.map((path) => readFileSync(path, 'utf8'));
  const before = read();
  expect(paths.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600]);
  await ensureKeyrings(join(first.store, '..'));
  expect(read()).toEqual(before);
});
