/** Where the CPU time of a process goes: by file, by package for what is installed. What Node does for a file counts for it. */
import { writeFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import { ROOT } from './parts.ts';

/** Of a file's functions, those that are named. */
const NAMED = 3;
/** Neither work nor ours: waiting, and the profiler itself. */
const LEFT_OUT = new Set(['(idle)', 'post']);

const placeOf = (url: string): string => {
  const path = fileURLToPath(url).slice(ROOT.length + 1);
  const [, installed] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return installed ?? path;
};

interface Place {
  name: string;
  ownFunction: string;
}

/** The nearest file up the stack. */
const placesOf = (nodes: readonly Profiler.ProfileNode[]): Map<number, Place> => {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const placeOfNode = ({ id, callFrame: { functionName, url } }: Profiler.ProfileNode): Place => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = byId.get(at)?.callFrame;
      if (frame?.url.startsWith('file:') === true) return { name: placeOf(frame.url), ownFunction: frame.functionName };
    }
    return { name: url === '' ? functionName : url, ownFunction: '' };
  };
  return new Map(nodes.map((node) => [node.id, placeOfNode(node)]));
};

export interface Share {
  name: string;
  /** Of the time that was not idle. */
  share: number;
  /** Its most expensive ones. */
  functions: string[];
}

const session = new Session();

/** Until {@link stopProfile}. */
export const startProfile = async (): Promise<void> => {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
};

/** Keeps the whole of it in `file`, for a browser's developer tools. */
export const stopProfile = async (file: unknown): Promise<Share[]> => {
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  writeFileSync(String(file), JSON.stringify(profile));
  return sharesOf(profile);
};

/** The largest first. */
const sharesOf = ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Share[] => {
  const places = placesOf(nodes);
  const leftOut = new Set(nodes.filter(({ callFrame }) => LEFT_OUT.has(callFrame.functionName)).map(({ id }) => id));
  const spentUs = new Map<string, Map<string, number>>();
  let busyUs = 0;
  for (const [at, id] of samples.entries()) {
    const place = places.get(id);
    if (place === undefined || leftOut.has(id)) continue;
    const tookUs = timeDeltas[at] ?? 0;
    busyUs += tookUs;
    const functions = spentUs.get(place.name) ?? new Map<string, number>();
    functions.set(place.ownFunction, (functions.get(place.ownFunction) ?? 0) + tookUs);
    spentUs.set(place.name, functions);
  }
  const all = [...spentUs].map(([name, functions]) => ({ name, functions, us: [...functions.values()].reduce((sum, us) => sum + us, 0) }));
  return all
    .sort((a, b) => b.us - a.us)
    .map(({ name, functions, us }) => {
      const named = [...functions].filter(([one]) => one !== '').sort(([, a], [, b]) => b - a);
      return { name, share: us / busyUs, functions: named.slice(0, NAMED).map(([one]) => one) };
    });
};
