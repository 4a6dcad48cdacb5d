/**
 * The simulator's own API, for people and tests: what each insurer counted, and the faults that are switched on. `*` names
 * all insurers.
 */
import { checker } from '@osago/contracts';
import { Value } from '@sinclair/typebox/value';
import { Faults } from './fault.ts';
import { badBody, NOT_FOUND, notAllowed, type Reply } from './reply.ts';
import type { SimulatedInsurer } from './simulated-insurer.ts';

type Insurers = ReadonlyMap<string, SimulatedInsurer>;

const check = checker(Faults);

const NO_CONTENT_BODY = { status: 'ok' };

const named = (insurers: Insurers, name: string): readonly SimulatedInsurer[] => {
  if (name === '*') return [...insurers.values()];
  const insurer = insurers.get(name);
  return insurer === undefined ? [] : [insurer];
};

const of = <T>(insurers: Insurers, part: (insurer: SimulatedInsurer) => T): Record<string, T> =>
  Object.fromEntries([...insurers].map(([id, insurer]) => [id, part(insurer)]));

const counters = (insurers: Insurers, method: string, name: string | undefined): Reply => {
  if (method === 'DELETE' && name === undefined) {
    for (const { counter } of insurers.values()) counter.reset();
    return { status: 200, body: NO_CONTENT_BODY };
  }
  if (method !== 'GET') return notAllowed(name === undefined ? 'GET, DELETE' : 'GET');
  if (name === undefined) return { status: 200, body: of(insurers, ({ counter }) => counter.counters) };
  const insurer = insurers.get(name);
  if (insurer === undefined) return NOT_FOUND;
  return { status: 200, body: { ...insurer.counter.counters, posts_by_key: insurer.postsByKey } };
};

const parsed = (body: Buffer): unknown => {
  try {
    return Value.Default(Faults, JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
};

const faults = (insurers: Insurers, method: string, name: string | undefined, body: Buffer): Reply => {
  const state = (): Reply => ({ status: 200, body: of(insurers, (one) => one.faults.current) });
  if (name === undefined) return method === 'GET' ? state() : notAllowed('GET');
  if (method !== 'PUT' && method !== 'DELETE') return notAllowed('PUT, DELETE');
  const chosen = named(insurers, name);
  if (chosen.length === 0) return NOT_FOUND;
  if (method === 'DELETE') {
    for (const insurer of chosen) insurer.faults.reset();
    return state();
  }
  const wanted = check(parsed(body));
  if (!wanted.ok) return badBody(wanted.faults);
  for (const insurer of chosen) insurer.faults.replace(wanted.value);
  return state();
};

/** `path` is what follows `/admin/`. */
export const adminReply = (insurers: Insurers, method: string, path: readonly string[], body: Buffer): Reply => {
  const [resource, name, ...rest] = path;
  if (rest.length > 0) return NOT_FOUND;
  if (resource === 'counters') return counters(insurers, method, name);
  if (resource === 'faults') return faults(insurers, method, name, body);
  return NOT_FOUND;
};
