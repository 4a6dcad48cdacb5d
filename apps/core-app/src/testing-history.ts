/**
 * Test kit: what was committed against what is on the topic. The promise that is checked: every committed event is there
 * at least once, first times in the order of their request, each id with one content, and nothing that was not committed.
 */
import { createHash } from 'node:crypto';

export interface CommittedEvent {
  readonly request_id: string;
  readonly revision: number;
  readonly event_id: string;
  readonly partition: number;
  readonly sha256: string;
}

export interface TopicRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  readonly value: Buffer | null;
}

/** What the records of the test carry: enough to say which event it is. */
export interface TestEvent {
  readonly id: string;
  readonly request_id: string;
  readonly revision: number;
  readonly noise: string;
}

export const sha256 = (value: Buffer | null): string => createHash('sha256').update(value ?? '').digest('hex');

export interface HistoryReport {
  /** Sentences; empty when every promise was kept. */
  readonly violations: string[];
  readonly committed: number;
  readonly records: number;
  /** Records beyond the first of an event: what crashes cost. */
  readonly duplicates: number;
}

/** `records` in the order of their offsets, partition by partition. */
export const checkHistory = (committed: readonly CommittedEvent[], records: readonly TopicRecord[]): HistoryReport => {
  const violations: string[] = [];
  const byId = new Map(committed.map((event) => [event.event_id, event]));
  const seen = new Set<string>();
  /** Of each request, the revision that came for the first time last. */
  const reached = new Map<string, number>();
  for (const { partition, offset, key, value } of records) {
    const { id, request_id, revision } = JSON.parse(String(value)) as TestEvent;
    const place = `${id} at ${partition}/${offset}`;
    const event = byId.get(id);
    if (event === undefined) {
      violations.push(`${place} was never committed`);
      continue;
    }
    if (event.partition !== partition || key !== request_id) violations.push(`${place} is in another place than its own`);
    if (event.sha256 !== sha256(value)) violations.push(`${place} has another content than what was committed`);
    if (seen.has(id)) continue;
    seen.add(id);
    const before = reached.get(request_id) ?? 0;
    if (revision !== before + 1) violations.push(`${place} comes after revision ${before}`);
    reached.set(request_id, Math.max(before, revision));
  }
  for (const { event_id } of committed) if (!seen.has(event_id)) violations.push(`${event_id} was committed and is not there`);
  return { violations, committed: committed.length, records: records.length, duplicates: records.length - seen.size };
};
