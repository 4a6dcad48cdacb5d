/** Changes to an application by JSON Pointer (RFC 6901), as retry and repeat send them. */
import { type Application, type ApplicationChanges, type Fault, faultOf } from '@osago/contracts';

/** A list of drivers or papers is never longer: what would make it so is no change that a person made. */
const INDEX_MAX = 100;

type Container = Record<string, unknown> | unknown[];

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Undefined for what is no pointer. */
const tokensOf = (pointer: string): string[] | undefined =>
  /^(?:\/(?:[^~/]|~[01])*)+$/.test(pointer)
    ? pointer.slice(1).split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    : undefined;

/** Where a token leads inside a list; undefined where it cannot. */
const indexOf = (list: readonly unknown[], token: string): number | undefined => {
  if (token === '-') return list.length;
  if (!/^(?:0|[1-9]\d{0,2})$/.test(token)) return undefined;
  const index = Number(token);
  // A list has no holes: its end is where it can grow.
  return index <= list.length && index < INDEX_MAX ? index : undefined;
};

const keyIn = (container: Container, token: string): string | number | undefined =>
  Array.isArray(container) ? indexOf(container, token) : token === '__proto__' ? undefined : token;

/** False where the pointer leads nowhere. */
const set = (root: Container, tokens: readonly string[], value: unknown): boolean => {
  let container: Container = root;
  for (const [at, token] of tokens.entries()) {
    const key = keyIn(container, token);
    if (key === undefined) return false;
    const members = container as Record<string | number, unknown>;
    if (at === tokens.length - 1) {
      members[key] = value;
      return true;
    }
    const inner = Object.hasOwn(members, key) ? members[key] : undefined;
    if (inner === undefined) members[key] = {};
    else if (!isContainer(inner)) return false;
    container = members[key] as Container;
  }
  return false;
};

export type Changed = { ok: true; value: unknown } | { ok: false; faults: Fault[] };

/** A changed copy, not checked yet; or a fault for each pointer that leads nowhere. */
export const changedApplication = (application: Application, changes: ApplicationChanges): Changed => {
  const value = structuredClone(application) as Record<string, unknown>;
  const faults = Object.entries(changes).flatMap(([pointer, wanted]): Fault[] => {
    const tokens = tokensOf(pointer);
    const isSet = tokens !== undefined && set(value, tokens, wanted);
    return isSet ? [] : [faultOf(pointer, 'bad_pointer')];
  });
  return faults.length === 0 ? { ok: true, value } : { ok: false, faults };
};
