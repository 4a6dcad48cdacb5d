/** An adapter out of a file: its default export, or what that makes of the URL. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Adapter, AdapterExport } from './adapter.ts';

export class AdapterFileError extends Error {
  override readonly name = 'AdapterFileError';
}

export const loadAdapter = async (file: string, url: string): Promise<Adapter> => {
  let loaded: { default?: AdapterExport };
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as typeof loaded;
  } catch (cause) {
    throw new AdapterFileError(`${file} cannot be loaded: ${(cause as Error).message}`, { cause });
  }
  const made = typeof loaded.default === 'function' ? await loaded.default(url) : loaded.default;
  if (typeof made?.open !== 'function') throw new AdapterFileError(`${file} has no default export with open()`);
  return made;
};
