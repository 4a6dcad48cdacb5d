/** Whether node_modules is what package-lock.json asks for. Plain JavaScript for any Node from 18 on. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} root */
const stampOf = (root) => join(root, 'node_modules', '.osago-installed');

/** @param {string} root */
const hashOf = (root) => createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');

/** @param {string} path */
const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages ?? {};

/**
 * By content: npm keeps its own record of what it has installed. So who ran npm by hand does not wait for it again.
 * @param {Record<string, {version?: string, optional?: boolean}>} wanted
 * @param {Record<string, {version?: string}>} there
 */
export const holdsAll = (wanted, there) =>
  Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || (path in there && there[path]?.version === version),
  );

/** @param {string} root */
export const isInstalled = (root) => {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  if (existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === hashOf(root)) return true;
  return holdsAll(packagesOf(join(root, 'package-lock.json')), packagesOf(record));
};

/** @param {string} root */
export const markInstalled = (root) => writeFileSync(stampOf(root), hashOf(root));
