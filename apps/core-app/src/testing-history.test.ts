/** The checker finds what it is there to find. */
import { describe, expect, test } from '@jest/globals';
import { checkHistory, type CommittedEvent, sha256, type TestEvent, type TopicRecord } from './testing-history.ts';

const valueOf = (event: TestEvent): Buffer => Buffer.from(JSON.stringify(event));
const eventOf = (request_id: string, revision: number, noise = ''): TestEvent => ({
  id: `${request_id}:r${revision}`,
  request_id,
  revision,
  noise,
});
const committed = (event: TestEvent): CommittedEvent => ({
  request_id: event.request_id,
  revision: event.revision,
  event_id: event.id,
  partition: 0,
  sha256: sha256(valueOf(event)),
});
const recordsOf = (...events: TestEvent[]): TopicRecord[] =>
  events.map((event, at) => ({ partition: 0, offset: BigInt(at), key: event.request_id, value: valueOf(event) }));

const [a1, a2, b1] = [eventOf('a', 1), eventOf('a', 2), eventOf('b', 1)];
const ALL = [a1, a2, b1].map(committed);

describe('the history checker', () => {
  test('takes a history that keeps the promises, repeats included', () => {
    expect(checkHistory(ALL, recordsOf(b1, a1, a2, a1, a2))).toEqual({ violations: [], committed: 3, records: 5, duplicates: 2 });
  });

  test.each<[string, TestEvent[], string]>([
    ['a lost event', [a1, a2], 'b:r1 was committed and is not there'],
    ['an event that was rolled back', [a1, a2, b1, eventOf('c', 1)], 'c:r1 at 0/3 was never committed'],
    ['an order that was turned round', [a2, a1, b1], 'a:r2 at 0/0 comes after revision 0'],
    ['an id with two contents', [a1, a2, b1, eventOf('b', 1, 'other')], 'b:r1 at 0/3 has another content than what was committed'],
  ])('finds %s', (_, events, violation) => {
    expect(checkHistory(ALL, recordsOf(...events)).violations).toContain(violation);
  });

  test('finds a record in another partition', () => {
    const moved = recordsOf(a1, a2, b1).map((record, at) => (at === 2 ? { ...record, partition: 1 } : record));
    expect(checkHistory(ALL, moved).violations).toEqual(['b:r1 at 1/2 is in another place than its own']);
  });
});
