/**
 * Asking everybody again with changes (`based_on`). The page keeps no application, and the server shows it masked: so what
 * can be changed here is what names nobody, and the rest stays as it was sent.
 */
import { API_PREFIX } from '@osago/quote-stream';
import { fieldsAt, type PlacedField } from './application-fields.ts';
import { bearer, type Fetch, jsonOf, POST_MS_MAX, type Refused, refused, type RequestAccess } from './post-request.ts';
import { changesOf } from './missing-fields.ts';
import type { Changes } from './quote-retry.ts';

/** By JSON Pointer, in the order they are shown. */
const CHANGEABLE = [
  '/vehicle/power_hp',
  '/vehicle/power_kw',
  '/owner/address/region',
  '/period/months',
  '/purpose',
  '/vehicle/trailer',
];
const TRAILER = '/vehicle/trailer';

type Values = Readonly<Record<string, string>>;

export interface Repeatable {
  fields: readonly PlacedField[];
  /** As they were sent. */
  values: Values;
  /** Make, model and year: which vehicle it is. */
  vehicle: string;
}

export type Read = { kind: 'read'; repeatable: Repeatable } | Refused;

const memberAt = (application: unknown, pointer: string): string | undefined => {
  let found: unknown = application;
  for (const token of pointer.slice(1).split('/')) found = (found as Record<string, unknown> | undefined)?.[token];
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined;
};

export const repeatableOf = (application: unknown): Repeatable => {
  // A trailer may come to a car that had none; power is in the one unit that was chosen.
  const sent = CHANGEABLE.map((pointer) => ({ pointer, value: memberAt(application, pointer) ?? (pointer === TRAILER ? '' : undefined) }));
  const shown = sent.filter((member): member is { pointer: string; value: string } => member.value !== undefined);
  return {
    // People and companies have the same field for a region.
    fields: shown.flatMap(({ pointer }) => fieldsAt(pointer).slice(0, 1)),
    values: Object.fromEntries(shown.map(({ pointer, value }) => [pointer, value])),
    vehicle: ['brand', 'model', 'year'].flatMap((member) => memberAt(application, `/vehicle/${member}`) ?? []).join(' '),
  };
};

export const readRepeatable = async ({ requestId, accessToken }: RequestAccess, fetch: Fetch): Promise<Read> => {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(`${API_PREFIX}/requests/${requestId}`, {
      headers: bearer(accessToken),
      signal: AbortSignal.timeout(POST_MS_MAX),
    });
    answer = await jsonOf(response);
  } catch {
    return { kind: 'unreachable' };
  }
  if (!response.ok) return refused(response, answer ?? {});
  const { application } = (answer ?? {}) as { application?: unknown };
  return application === undefined ? { kind: 'unreachable' } : { kind: 'read', repeatable: repeatableOf(application) };
};

/** Only what is another now. A switch that is off again is sent, an emptied field too: the server says that it is needed. */
const changedSince = ({ fields, values: sent }: Repeatable, values: Values): Changes => {
  const changed = fields.filter(({ pointer }) => isOn(pointer, values) !== isOn(pointer, sent));
  const emptied = changed.filter(({ pointer }) => (values[pointer] ?? '').trim() === '');
  return {
    ...changesOf(changed, values),
    ...Object.fromEntries(emptied.map(({ input, pointer }) => [pointer, input === 'switch' ? false : ''])),
  };
};

/** `false` and nothing are the same answer of a switch. */
const isOn = (pointer: string, values: Values): string => {
  const value = (values[pointer] ?? '').trim();
  return pointer === TRAILER && value === 'false' ? '' : value;
};

/** The body of `POST /requests`. */
export const repeatBody = (requestId: string, repeatable: Repeatable, values: Values): string => {
  const changes = changedSince(repeatable, values);
  return JSON.stringify({ based_on: requestId, ...(Object.keys(changes).length > 0 && { changes }) });
};
