import { beforeEach, describe, expect, it } from '@jest/globals';
import { encodeEvent, type LegEvent, TOPICS } from '@osago/contracts';
import type { ArchivedRequest } from './database.ts';
import { at, cancelled, givenLog, type GivenLog, leg, OTHER_ID, REQUEST_ID, retryAsked, stamp, submitted, writeWholeRequest } from './replay-given.ts';
import { verify } from './verify.ts';
import { RULES, type RuleName } from './verify-rules.ts';

const LATER_MS = 600_000;

/** As the archive holds {@link writeWholeRequest}. */
const archived = (members: Partial<ArchivedRequest> = {}): ArchivedRequest => {
  const price = { premium_kopecks: 555_199, total_kopecks: 605_199, answered_at: stamp(2_000) };
  const legs = [
    leg('alfa', 'quoted', { afterMs: 2_000, members: price }),
    leg('beta', 'declined', { afterMs: 3_000, members: { reason: { code: 'segment' }, answered_at: stamp(3_000) } }),
    leg('gamma', 'timeout', { afterMs: 60_000 }),
  ] as LegEvent[];
  return {
    request_id: REQUEST_ID,
    partition: 1,
    acceptedAtMs: at(0),
    revision: 1,
    unpublished: 0,
    offsets: [0n, 4n, 0n],
    legs: legs.map((event) => ({ insurer_id: event.data.insurer_id, event_id: event.id, event })),
    ...members,
  };
};

describe('verify', () => {
  let log: GivenLog;
  beforeEach(() => {
    log = givenLog();
    writeWholeRequest(log);
  });

  const check = async (rows?: readonly ArchivedRequest[], window = { fromMs: 0 }) => {
    log.goTo(LATER_MS);
    const database = rows && {
      acceptedIn: () => Promise.resolve(rows.map(({ request_id }) => request_id)),
      requests: (ids: readonly string[]) => Promise.resolve(rows.filter(({ request_id }) => ids.includes(request_id))),
    };
    return verify({ ...log, database }, window);
  };
  const broken = async (rows?: readonly ArchivedRequest[]): Promise<string[]> =>
    (await check(rows)).violations.map(({ rule, place }) => `${rule} ${place ?? '-'}`);

  it('finds nothing wrong with a request that went well', async () => {
    await expect(check([archived()])).resolves.toEqual({ requests: 1, records: 7, repeated: 0, violations: [] });
  });

  it('counts repeated records, which at-least-once delivery brings, and does not blame them', async () => {
    log.write(60_100, leg('gamma', 'timeout', { afterMs: 60_000 }));
    await expect(check()).resolves.toMatchObject({ repeated: 1, violations: [] });
  });

  it('lets a person cancel and ask again', async () => {
    log.write(70_000, retryAsked('gamma', { revision: 2, attempt: 2, afterMs: 70_000 }));
    log.write(71_000, cancelled(3, 71_000));
    await expect(broken()).resolves.toEqual([]);
  });

  it('judges only requests of the window', async () => {
    log.write(70_000, submitted(['alfa'], { id: OTHER_ID, afterMs: 70_000 }));
    log.goTo(LATER_MS);
    const { requests, violations } = await verify({ ...log, database: undefined }, { fromMs: 0, toMs: at(65_000) });
    expect({ requests, violations }).toEqual({ requests: 1, violations: [] });
  });

  const planted: Record<string, [RuleName, string, () => void]> = {
    'a record that is no JSON': ['decodable', 'osago.quotes.v1-1-5', () => log.writeRaw(5_000, { topic: TOPICS.quotes, partition: 1, key: 'x', value: Buffer.from('{') })],
    'an event in the topic of others': [
      'own-place',
      'osago.errors.v1-1-1',
      () => {
        const event = leg('alfa', 'submitted', { afterMs: 190 });
        log.writeRaw(61_000, { topic: TOPICS.errors, partition: 1, key: event.subject, value: encodeEvent(event) });
      },
    ],
    'a key of somebody else': [
      'own-place',
      'osago.quotes.v1-1-5',
      () => log.writeRaw(300, { topic: TOPICS.quotes, partition: 1, key: OTHER_ID, value: encodeEvent(leg('alfa', 'estimated', { afterMs: 290 })) }),
    ],
    'a phone in what an insurer says': [
      'no-personal-data',
      'osago.quotes.v1-1-5',
      () => log.write(4_000, leg('beta', 'declined', { step: 9, afterMs: 3_500, members: { reason: { code: 'other', message: 'ask 79161234567' } } })),
    ],
    'one id with two contents': [
      'one-content',
      'osago.quotes.v1-1-5',
      () => log.write(4_000, leg('alfa', 'quoted', { afterMs: 2_000, members: { premium_kopecks: 1 } })),
    ],
    'a leg on another partition': ['one-partition', 'osago.quotes.v1-2-0', () => log.write(4_000, leg('alfa', 'estimated', { afterMs: 3_900 }), 2)],
    'a request with two submitted events': [
      'one-request-record',
      'osago.requests.v1-1-1',
      () => log.write(100, { ...submitted(['alfa', 'beta', 'gamma']), id: `${REQUEST_ID}:again` }),
    ],
    'a leg without outcome': ['one-outcome', 'osago.quotes.v1-1-5', () => log.write(70_500, leg('alfa', 'submitted', { attempt: 2, afterMs: 70_400, deadlineMs: 130_000 }))],
    'an insurer that nobody asked': ['asked-only', 'osago.quotes.v1-1-5', () => log.write(2_500, leg('omega', 'quoted', { afterMs: 2_400 }))],
    'a deadline of its own': ['asked-only', 'osago.quotes.v1-1-5', () => log.write(2_500, leg('alfa', 'estimated', { afterMs: 2_400, deadlineMs: 90_000 }))],
    'an answer after the deadline that is not marked late': ['after-deadline', 'osago.quotes.v1-1-5', () => log.write(61_500, leg('gamma', 'quoted', { afterMs: 61_000 }))],
    'a late mark before the deadline': ['after-deadline', 'osago.quotes.v1-1-5', () => log.write(2_500, leg('gamma', 'quoted', { afterMs: 2_400, late: true }))],
    'a timeout before the deadline': ['after-deadline', 'osago.errors.v1-1-1', () => log.write(2_500, leg('beta', 'timeout', { afterMs: 2_400 }))],
    'an answer after the late window': ['late-window', 'osago.quotes.v1-1-5', () => log.write(200_000, leg('gamma', 'quoted', { afterMs: 190_000, late: true }))],
  };

  it.each(Object.keys(planted))('finds %s', async (name) => {
    const [rule, place, plant] = planted[name]!;
    plant();
    await expect(broken()).resolves.toContain(`${rule} ${place}`);
  });

  it('blames nobody when it is stopped half way', async () => {
    const stop = new AbortController();
    const progress = { ...log.progress, advance: () => stop.abort() };
    const database = { acceptedIn: () => Promise.resolve([OTHER_ID]), requests: () => Promise.resolve([]) };
    await expect(verify({ ...log, database, progress, signal: stop.signal }, { fromMs: 0 })).rejects.toThrow('stopped');
  });

  it('names the request and says what is wrong', async () => {
    log.write(61_500, leg('gamma', 'quoted', { afterMs: 61_000 }));
    await expect(check()).resolves.toMatchObject({
      violations: [{ request_id: REQUEST_ID, says: 'gamma quoted, late: false, decided after its deadline' }],
    });
  });

  const [alfa, ...others] = archived().legs;
  const wrongRows: Record<string, [RuleName, ArchivedRequest[]]> = {
    'a request that the database does not have': ['one-request-record', []],
    'an accepted request that is not on the log': ['one-request-record', [archived(), archived({ request_id: OTHER_ID })]],
    'another partition in the database': ['one-partition', [archived({ partition: 3 })]],
    'an archive that has lost a leg': ['archive', [archived({ legs: others })]],
    'an archive with another content': ['archive', [archived({ legs: [{ ...alfa!, event: { ...alfa!.event, source: '/else' } }, ...others] })]],
    'an archive that stands still': ['archive', [archived({ offsets: [0n, 3n, 0n] })]],
    'an archive that has seen nothing': ['archive', [archived({ offsets: undefined, legs: [] })]],
  };

  it.each(Object.keys(wrongRows))('finds %s', async (name) => {
    const [rule, rows] = wrongRows[name]!;
    expect((await broken(rows)).map((violation) => violation.split(' ')[0])).toContain(rule);
  });

  it('waits for what is in the outbox, and for an archive that is ahead of what was read', async () => {
    const waiting = archived({ request_id: OTHER_ID, unpublished: 1 });
    await expect(broken([archived({ offsets: [0n, 9n, 0n], legs: [] }), waiting])).resolves.toEqual([]);
  });

  it('has a planted violation for every rule', () => {
    const found = [...Object.values(planted), ...Object.values(wrongRows)].map(([rule]) => rule);
    expect(new Set(found)).toEqual(new Set(Object.keys(RULES)));
  });
});
