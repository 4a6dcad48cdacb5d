import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { sourcesHash } from './page.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const setup = () => {
  const root = mkdtempSync(join(tmpdir(), 'osago-page-'));
  folders.push(root);
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('apps/web/src/page.tsx', 'one');
  write('package-lock.json', '{}');
  return { hash: () => sourcesHash(root), write };
};

test('the page is built again when one of its sources changes', async () => {
  const { hash, write } = setup();
  const before = await hash();
  expect(await hash()).toBe(before);
  write('apps/web/src/page.tsx', 'two');
  const after = await hash();
  expect(after).not.toBe(before);
  write('libs/quote-stream/src/client.ts', '');
  expect(await hash()).not.toBe(after);
});

test('the page is not built again for what it is not made of', async () => {
  const { hash, write } = setup();
  const before = await hash();
  write('apps/web/dist/index.html', 'built');
  write('apps/web/node_modules/x/index.js', '');
  write('apps/web/src/page.test.tsx', '');
  write('apps/core-app/src/main.ts', '');
  expect(await hash()).toBe(before);
});
