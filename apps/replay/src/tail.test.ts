import { describe, expect, it } from '@jest/globals';
import { TOPICS } from '@osago/contracts';
import { at, givenLog, leg, OTHER_ID, REQUEST_ID, submitted, writeWholeRequest } from './replay-given.ts';
import { followTopics, tailJson, tailLine, type TailFilters } from './tail.ts';

/** Stops at the last record that the test writes. */
const follow = async (filters: TailFilters, show: typeof tailLine = tailLine): Promise<string[]> => {
  const log = givenLog();
  writeWholeRequest(log);
  const stop = new AbortController();
  const lines: string[] = [];
  const following = followTopics(log.bus, { filters, fromMs: at(61_000), signal: stop.signal }, (decoded) => {
    lines.push(show(decoded));
  });
  log.write(62_000, submitted(['alfa'], { id: OTHER_ID }), 2);
  log.write(63_000, leg('alfa', 'declined', { id: OTHER_ID, members: { reason: { code: 'segment' } } }), 2);
  log.write(64_000, leg('gamma', 'quoted', { afterMs: 63_000, late: true }));
  log.writeRaw(65_000, { topic: TOPICS.errors, partition: 3, key: 'x', value: Buffer.from('{') });
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await following;
  return lines.sort();
};

describe('tail', () => {
  it('shows what happens from now on, also what is no event of ours', async () => {
    expect(await follow({})).toEqual([
      `2026-11-21T09:01:02.000Z  requests-2-0      ${OTHER_ID}  request submitted`,
      `2026-11-21T09:01:03.000Z  quotes-2-0        ${OTHER_ID}  alfa declined segment`,
      `2026-11-21T09:01:04.000Z  quotes-1-5        ${REQUEST_ID}  gamma quoted late`,
      'osago.errors.v1-3-0  no event of ours: the value is no JSON',
    ]);
  });

  it('filters by insurer, status and request', async () => {
    expect(await follow({ insurer: 'gamma' })).toHaveLength(1);
    expect(await follow({ status: 'declined' })).toHaveLength(1);
    expect(await follow({ requestId: OTHER_ID })).toHaveLength(2);
    expect(await follow({ requestId: OTHER_ID, insurer: 'gamma' })).toEqual([]);
  });

  it('gives whole events to programs, without the sealed application', async () => {
    const [first] = await follow({ requestId: OTHER_ID }, tailJson);
    expect(JSON.parse(first!)).toMatchObject({ place: 'osago.quotes.v1-2-0', data: { status: 'declined' } });
    expect((await follow({}, tailJson)).join('')).not.toContain('sealed');
  });
});
