/** Events to bytes and back. Data is checked here once and trusted after. */
import { EVENT_SCHEMAS, type EventType, type OsagoEvent } from './events.ts';
import { type Checked, checker } from './faults.ts';

export const CLOUD_EVENT_CONTENT_TYPE = 'application/cloudevents+json';

const checks = new Map<string, (value: unknown) => Checked<unknown>>(
  Object.entries(EVENT_SCHEMAS).map(([type, schema]) => [type, checker(schema)]),
);

export type Decoded = { ok: true; event: OsagoEvent } | { ok: false; reason: string };

export const encodeEvent = (event: OsagoEvent): Buffer => Buffer.from(JSON.stringify(event));

/** Never throws: what is no event of ours comes back with the reason, for the dead letters. */
export const decodeEvent = (bytes: Buffer | null): Decoded => {
  if (bytes === null) return { ok: false, reason: 'the record has no value' };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { ok: false, reason: 'the value is no JSON' };
  }
  const type = (value as { type?: unknown } | null)?.type;
  const check = typeof type === 'string' ? checks.get(type) : undefined;
  if (check === undefined) return { ok: false, reason: 'the event type is unknown' };
  const checked = check(value);
  if (checked.ok) return { ok: true, event: checked.value as OsagoEvent };
  const [first] = checked.faults;
  return { ok: false, reason: `${type as EventType}: ${first?.pointer} ${first?.detail}` };
};
