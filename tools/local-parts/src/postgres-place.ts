/**
 * Where the data of a Postgres live. For root that is a folder for temporary files (postgres-binaries.ts says why), and
 * `dataDir` holds its name: when `dataDir` is removed, the data are gone with the name, as everybody expects. What such
 * data leave behind is cleared at the next start of any Postgres here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.ts';

/** Nothing else is joined to a folder that everybody uses, and nothing else is removed from it. */
const OURS = /^osago-postgres-data-[0-9a-f]{12}-[0-9a-f]{12}$/;

/** Beside the data: the file in `dataDir` that names them. */
const OWNER = 'owner';

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Those that nobody names any more. One without an owner is being made, or is not ours to judge. */
const clearOrphans = async (publicDir: string): Promise<void> => {
  for (const name of (await readdir(publicDir)).filter((entry) => OURS.test(entry))) {
    const place = join(publicDir, name);
    const owner = await read(join(place, OWNER));
    if (owner !== '' && (await read(owner)) !== name) await rm(place, { recursive: true, force: true });
  }
};

const nameIn = async (file: string): Promise<string> => {
  const known = await read(file);
  if (OURS.test(known)) return known;
  const hash = createHash('sha256').update(file).digest('hex').slice(0, 12);
  const name = `osago-postgres-data-${hash}-${randomBytes(6).toString('hex')}`;
  await writeFile(file, name);
  return name;
};

/** An existing folder, which the user of the binaries may write to. */
export const placeOf = async (
  dataDir: string,
  { major, publicDir, user }: Pick<PostgresBinaries, 'major' | 'publicDir' | 'user'>,
): Promise<string> => {
  const own = join(dataDir, `postgres-${major}`);
  await mkdir(own, { recursive: true });
  if (publicDir === undefined || user === undefined) return own;
  const nameFile = join(own, 'name');
  const place = join(publicDir, await nameIn(nameFile));
  if (!existsSync(place)) {
    await clearOrphans(publicDir);
    await mkdir(place, { mode: 0o700 });
    await writeFile(join(place, OWNER), nameFile);
    await chown(place, user.uid, user.gid);
  }
  return place;
};
