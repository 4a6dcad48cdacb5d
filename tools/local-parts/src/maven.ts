/**
 * Fetches what `pom.xml` names, through the Maven that is installed, into `<root>/.platform/parts`. A folder there is
 * complete: it is filled under another name first.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PartMissingError } from './part-error.ts';
import { type PartOptions, showNothing } from './part.ts';

const POM = join(import.meta.dirname, '..', 'pom.xml');
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

/** It holds nothing that must be brought to an end. */
const GRACE_MS = 2000;

type FetchOptions = Pick<PartOptions, 'children' | 'root' | 'step'>;

export interface Fetched {
  /** Of the folder; it changes when what belongs into it does. */
  name: string;
  product: string;
  megabytes: number;
  /** A goal of Maven's dependency plugin with its options, but for `outputDirectory`. */
  goal: string;
  options: readonly string[];
}

export const kafkaJars: Fetched = {
  name: `kafka-${createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)}`,
  product: 'Kafka',
  megabytes: 33,
  goal: 'copy-dependencies',
  options: ['-DincludeScope=runtime'],
};

export const redisBinaries: Fetched = {
  name: 'redis-1.4.3',
  product: 'Redis',
  megabytes: 12,
  goal: 'unpack',
  options: ['-Dartifact=com.github.codemonstur:embedded-redis:1.4.3', '-Dmdep.unpack.includes=redis-server*'],
};

export const partsDir = (root: string): string => join(root, '.platform', 'parts');

/** Two Mavens that fill one empty repository at the same time get into each other's way. */
let previous: Promise<unknown> = Promise.resolve();

/** A hiccup of the network is worth a second try, an absent network not a third. */
const TRIES_MAX = 2;

const runMaven = async (into: string, what: Fetched, { children }: FetchOptions): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    const child = children.spawn({
      name: `maven-${what.name}`,
      command: 'mvn',
      args: ['-q', '-B', '-f', POM, `${PLUGIN}:${what.goal}`, ...what.options, `-DoutputDirectory=${into}`],
      graceMs: GRACE_MS,
    });
    const { code, error } = await child.ended;
    if (error) throw new PartMissingError(`${what.product} is fetched with Maven, which is not there.`, { cause: error });
    if (code === 0) return;
    if (tries === TRIES_MAX) {
      throw new PartMissingError(`${what.product} could not be fetched: ${reasonOf(child.lastLines(100))}`);
    }
  }
};

const fetchInto = async (folder: string, what: Fetched, options: FetchOptions): Promise<void> => {
  const partial = `${folder}.${process.pid}.partial`;
  await mkdir(partial, { recursive: true });
  try {
    await runMaven(partial, what, options);
    // Another process may have been first: then its folder is as good as ours.
    await rename(partial, folder).catch(async (failed: unknown) => {
      if (!(await isThere(folder))) throw failed;
    });
  } finally {
    for (const left of [partial, `${partial}.marks`]) await rm(left, { recursive: true, force: true });
  }
};

const isThere = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );

/** The first of Maven's error lines says what, the others how to get help. */
export const reasonOf = (lines: readonly string[]): string => {
  const line = lines.find((text) => text.startsWith('[ERROR]')) ?? lines.at(-1) ?? 'Maven said nothing';
  return line.replace('[ERROR] ', '').slice(0, 400);
};

/** The folder with the files in it. Throws {@link PartMissingError}. */
export const fetched = async (what: Fetched, options: FetchOptions): Promise<string> => {
  const { root, step = showNothing } = options;
  const folder = join(partsDir(root), what.name);
  if (await isThere(folder)) return folder;
  const title = `fetching ${what.product} from Maven Central (${what.megabytes} MB, only this once)`;
  const mine = previous.then(() => step(title, () => fetchInto(folder, what, options)));
  previous = mine.catch(() => undefined);
  await mine;
  return folder;
};
