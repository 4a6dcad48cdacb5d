import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { fetchNginx, findNginx } from './nginx-binary.ts';
import { newDir } from './platform.ts';

const { PATH, NGINX } = process.env;
const dir = newDir();
afterEach(() => {
  process.env['PATH'] = PATH;
  if (NGINX === undefined) delete process.env['NGINX'];
  else process.env['NGINX'] = NGINX;
  rmSync(dir, { recursive: true, force: true });
});

test('a machine without nginx and without apt-get is told what to install', async () => {
  process.env['PATH'] = '';
  await expect(fetchNginx(join(dir, 'nginx'))).rejects.toThrow(/apt-get.*Install it \(apt-get install nginx, .*set NGINX/);
});

test('an NGINX that is not there is said, and nothing else taken for it', async () => {
  process.env['NGINX'] = join(dir, 'no-such');
  await expect(findNginx()).rejects.toThrow('which is no program');
});

test('the NGINX of the environment comes first', async () => {
  process.env['NGINX'] = process.execPath;
  expect(await findNginx()).toEqual({ path: process.execPath, env: {} });
});
