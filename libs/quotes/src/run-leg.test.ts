import { describe, expect, test } from '@jest/globals';
import { decodeEvent, encodeEvent } from '@osago/contracts';
import { type FaultKind, TRIES_MAX, UNKNOWN_MAX } from './insurer-reply.ts';
import { ruleSettings } from './rule-settings.ts';
import { step } from './run.ts';
import { legsToStore, nextWakeAtMs, type RunState } from './run-state.ts';
import { at, timestamp } from './simulation-events.ts';
import {
  given,
  type Happening,
  LATE_UNTIL_MS,
  legOf,
  reply,
  retry,
  run,
  runAfter,
  runUntil,
  says,
  tick,
} from './simulation-given.ts';

const posted = tick(0);
const accepted = reply('alpha', 300, says.accepted);
const firstPoll = tick(1_500);
const asked = [posted, accepted, firstPoll];
const overdue = tick(60_000);

describe('the reply to a POST', () => {
  const post = given(run('alpha', 'beta'), posted);

  test('accepted: says so, with the moment, and polls soon', () => {
    const then = post.when(accepted).then('publish submitted alpha').thenPhase('alpha', 'poll-due');
    expect(then.published('submitted').data.submitted_at).toBe(timestamp(300));
    expect(nextWakeAtMs(then.run)).toBeGreaterThanOrEqual(at(300 + 480));
    expect(nextWakeAtMs(then.run)).toBeLessThanOrEqual(at(300 + 720));
  });

  test('accepted with a hint: polls when the insurer said', () => {
    const hinted = { ...says.accepted, retryAfterMs: 5_000 };
    const { run: held } = post.when(reply('alpha', 300, hinted));
    expect(nextWakeAtMs(held)).toBeGreaterThanOrEqual(at(300 + 4_000));
  });

  test('quoted at once: submitted and answered at the same moment', () => {
    const then = post.when(reply('alpha', 800, says.quoted)).then('publish quoted alpha');
    expect(then.thenPhase('alpha', 'ended').published('quoted').data).toMatchObject({
      submitted_at: timestamp(800),
      answered_at: timestamp(800),
      total_kopecks: 812_300,
    });
  });

  test('refused at once: the reason and the missing fields go along', () => {
    const declined = post.when(reply('alpha', 800, says.declined)).then('publish declined alpha');
    expect(declined.published('declined').data.reason).toEqual({ code: 'too_many_claims' });
    const needsData = post.when(reply('alpha', 800, says.needsData)).then('publish needs_data alpha');
    expect(needsData.published('needs_data').data.missing_fields).toEqual(['/drivers/0/licence']);
  });

  test.each(['pending', 'unknown', 'estimated'] as const)('%s answers no POST: silence', (kind) => {
    post.when(reply('alpha', 500, says[kind])).thenNothing();
  });

  test('a fault: asks again later, with one try less', () => {
    const then = post.when(reply('alpha', 500, says.fault)).then();
    then.thenPhase('alpha', 'post-due', { tries: 1 });
    given(then.run).when(tick(1_000)).then('post alpha');
  });

  test('a fault with Retry-After: never asks before it', () => {
    const busy = { kind: 'fault', fault: 'busy', message: 'HTTP 429', retryAfterMs: 7_000 } as const;
    const held = runAfter(run('alpha'), posted, reply('alpha', 500, busy));
    given(held).when(tick(7_499)).thenNothing();
    given(held).when(tick(7_500)).then('post alpha');
  });

  test('skipped: nobody was asked, so nobody is said to have got it', () => {
    const then = post.when(reply('alpha', 500, says.skipped)).then('publish skipped alpha');
    const { data } = then.thenPhase('alpha', 'ended').published('skipped');
    expect(data).toMatchObject({ final: true, reason: { code: 'capacity' } });
    expect(data).not.toHaveProperty('submitted_at');
    expect(data).not.toHaveProperty('answered_at');
  });

  test('of another insurer, or to another attempt: silence', () => {
    post.when(reply('gamma', 500, says.quoted)).thenNothing();
    post.when(reply('alpha', 500, says.quoted, 2)).thenNothing();
  });
});

describe('the reply to a poll', () => {
  const poll = given(run('alpha', 'beta'), ...asked);

  test('is asked with the id that the insurer gave', () => {
    given(run('alpha'), posted, accepted).when(firstPoll).then('poll alpha');
  });

  test('pending: polls on', () => {
    poll.when(reply('alpha', 1_700, says.pending)).then().thenPhase('alpha', 'poll-due');
  });

  test('estimated: tells the price, once', () => {
    const then = poll.when(reply('alpha', 1_700, says.estimated)).then('publish estimated alpha');
    expect(then.published('estimated').data).toMatchObject({ total_kopecks: 812_300, final: false });
    given(then.run, tick(5_000)).when(reply('alpha', 5_100, says.estimated)).then();
    const dearer = { kind: 'estimated', quote: { premium_kopecks: 900_000 } } as const;
    given(then.run, tick(5_000)).when(reply('alpha', 5_100, dearer)).then('publish estimated alpha');
  });

  test.each([
    ['quoted', says.quoted],
    ['declined', says.declined],
    ['needs_data', says.needsData],
  ] as const)('%s: is the answer, and ends the leg', (status, said) => {
    const then = poll.when(reply('alpha', 1_700, said)).then(`publish ${status} alpha`);
    expect(then.thenPhase('alpha', 'ended').published(status).data).toMatchObject({
      submitted_at: timestamp(300),
      answered_at: timestamp(1_700),
      late: false,
    });
  });

  test('failed: is an error that may be tried again', () => {
    const then = poll.when(reply('alpha', 1_700, says.failed)).then('publish error alpha');
    expect(then.published('error').data).toMatchObject({ reason: { code: 'failed' }, retryable: true });
  });

  test('skipped: polls on, for the insurer has it and there is time until the deadline', () => {
    poll.when(reply('alpha', 1_700, says.skipped)).then().thenPhase('alpha', 'poll-due');
  });

  test('accepted answers no poll: silence', () => {
    poll.when(reply('alpha', 1_700, says.accepted)).thenNothing();
  });

  test('a 404 is asked again, and again, until it is an error', () => {
    let held = runAfter(run('alpha'), posted, accepted);
    for (let tries = 1; tries < UNKNOWN_MAX; tries += 1) {
      const then = given(held, tick(tries * 5_000)).when(reply('alpha', tries * 5_000, says.unknown));
      held = then.then().thenPhase('alpha', 'poll-due', { tries }).run;
    }
    const last = given(held, tick(55_000)).when(reply('alpha', 55_000, says.unknown));
    expect(last.then('publish error alpha').published('error').data.reason).toEqual({
      code: 'unknown_application',
    });
  });

  test('any word of the insurer in between makes its faults count from one again', () => {
    const faulted = runAfter(run('alpha'), ...asked, reply('alpha', 1_700, says.fault), tick(4_000));
    const pending = given(faulted).when(reply('alpha', 4_100, says.pending));
    pending.thenPhase('alpha', 'poll-due', { tries: 0, polls: 1 });
  });

  test('of another insurer, or to another attempt: silence', () => {
    poll.when(reply('gamma', 1_700, says.quoted)).thenNothing();
    poll.when(reply('alpha', 1_700, says.quoted, 2)).thenNothing();
  });

  test('that comes twice is answered once', () => {
    const once = reply('alpha', 1_700, says.quoted);
    given(run('alpha'), ...asked, once).when(reply('alpha', 1_800, says.quoted)).thenNothing();
  });
});

describe('a quote', () => {
  const estimate = reply('alpha', 1_700, { kind: 'estimated', quote: { premium_kopecks: 700_000 } });
  const quoted = (afterMs: number, members: { valid_until?: string; cached_at?: string } = {}) => {
    const { valid_until, cached_at } = members;
    const quote = { premium_kopecks: 812_300, ...(valid_until !== undefined && { valid_until }) };
    return reply('alpha', afterMs, { kind: 'quoted', quote, ...(cached_at !== undefined && { cached_at }) });
  };
  const told = (held: RunState, ...history: Happening[]) => {
    const last = history.pop() ?? posted;
    return given(held, ...history).when(last).published('quoted').data;
  };

  test('says what was estimated before it, also by another pod, and nothing where nothing was', () => {
    expect(told(run('alpha'), ...asked, estimate, tick(5_000), quoted(5_100)).estimated_premium_kopecks).toBe(700_000);
    expect(told(run('alpha'), ...asked, quoted(5_100))).not.toHaveProperty('estimated_premium_kopecks');
    const before = runAfter(run('alpha'), ...asked);
    const estimated = runAfter(before, estimate);
    expect(legsToStore(before, estimated)).toHaveLength(1);
    const { run: resumed } = given(estimated).whenResumed(4_000);
    expect(told(resumed, tick(4_000), quoted(4_100)).estimated_premium_kopecks).toBe(700_000);
  });

  test('that comes late does not speak of an estimate that nobody was shown', () => {
    const late = reply('alpha', 71_100, { kind: 'estimated', quote: { premium_kopecks: 700_000 } });
    const data = told(run('alpha'), ...asked, overdue, tick(71_000), late, tick(90_000), quoted(90_100));
    expect(data.late).toBe(true);
    expect(data).not.toHaveProperty('estimated_premium_kopecks');
  });

  // Accepted on 21 November at 12:00 in Moscow; the policy starts on the 25th.
  test.each<[string, Parameters<typeof quoted>[1], string]>([
    ['for a day, where its insurer says nothing', {}, '2026-11-22T09:00:05.100Z'],
    ['as long as its insurer says, where that is less', { valid_until: '2026-11-21T20:00:00Z' }, '2026-11-21T20:00:00.000Z'],
    ['no longer than a day, whatever its insurer says', { valid_until: '2027-01-01T00:00:00Z' }, '2026-11-22T09:00:05.100Z'],
    ['from when its insurer gave it, where it is given again', { cached_at: '2026-11-21T01:00:00Z' }, '2026-11-22T01:00:00.000Z'],
  ])('holds %s', (_, members, until) => {
    expect(told(run('alpha'), ...asked, quoted(5_100, members)).valid_until).toBe(until);
  });

  test('holds until its policy starts, that of a retry by its own application', () => {
    const tomorrow: RunState = { ...run('alpha'), legs: run('alpha').legs.map((leg) => ({ ...leg, policyStartDate: '2026-11-22' })) };
    expect(told(tomorrow, ...asked, quoted(5_100)).valid_until).toBe('2026-11-21T21:00:00.000Z');
    const declined = runAfter(run('alpha'), ...asked, reply('alpha', 1_700, says.needsData));
    const asks = retry('alpha', 10_000, { policy_start_date: '2026-11-22' });
    const again = runAfter(declined, asks, tick(10_000), reply('alpha', 10_300, says.accepted, 2), tick(15_000));
    const { data } = given(again).when(reply('alpha', 15_100, says.quoted, 2)).published('quoted');
    expect(data.valid_until).toBe('2026-11-21T21:00:00.000Z');
  });

  test('holds by the rules that are set', () => {
    const rules = ruleSettings({ RULE_QUOTE_VALID_HOURS_MAX: 2 });
    const happens = quoted(5_100);
    const held = runAfter(run('alpha'), ...asked);
    const { effects } = step(held, happens.inputOf(held), at(5_100), rules);
    expect(effects).toMatchObject([{ event: { data: { valid_until: '2026-11-21T11:00:05.100Z' } } }]);
  });
});

describe('faults in a row', () => {
  const faults = Object.keys(TRIES_MAX) as FaultKind[];
  const callsUntilError = (start: RunState, fault: FaultKind): { calls: number; run: RunState } => {
    let held = start;
    for (let calls = 1; ; calls += 1) {
      const atMs = calls * 9_000;
      held = runAfter(held, tick(atMs), reply('alpha', atMs, { kind: 'fault', fault, message: 'why' }));
      if (legOf(held, 'alpha').outcome !== undefined) return { calls, run: held };
    }
  };
  const ample = runUntil({ alpha: 600_000 });

  test.each(faults)('of kind %s end a POST and a poll after as many tries as the table says', (fault) => {
    expect(callsUntilError(ample, fault).calls).toBe(TRIES_MAX[fault]);
    expect(callsUntilError(runAfter(ample, posted, accepted), fault).calls).toBe(TRIES_MAX[fault]);
  });

  test.each(faults)('of kind %s say why, and may be retried unless the insurer rejects us', (fault) => {
    const { event } = legOf(callsUntilError(ample, fault).run, 'alpha').outcome!;
    expect(event.data).toMatchObject({
      status: 'error',
      reason: { code: fault, message: 'why' },
      retryable: fault !== 'rejected',
    });
  });

  test('of a POST do not say that the insurer got it', () => {
    const then = given(run('alpha'), posted).when(
      reply('alpha', 100, { kind: 'fault', fault: 'rejected', message: 'HTTP 401' }),
    );
    expect(then.published('error').data).not.toHaveProperty('submitted_at');
  });

  test('make a valid event, however long their message is', () => {
    const fault = { kind: 'fault', fault: 'rejected', message: 'x'.repeat(5_000) } as const;
    const event = given(run('alpha'), posted).when(reply('alpha', 100, fault)).published('error');
    expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, event });
  });
});

describe('in the late window', () => {
  const late = [...asked, overdue];

  test.each([
    ['quoted', says.quoted],
    ['declined', says.declined],
    ['needs_data', says.needsData],
  ] as const)('%s is published as late', (status, said) => {
    const then = given(run('alpha'), ...late).when(reply('alpha', 61_000, said));
    expect(then.then(`publish ${status} alpha late`).published(status).data.late).toBe(true);
  });

  test.each([
    ['failed', says.failed],
    ['a fault that is not tried again', { kind: 'fault', fault: 'rejected', message: 'HTTP 401' }],
  ] as const)('%s adds nothing to the timeout', (_, said) => {
    const then = given(run('alpha'), ...late).when(reply('alpha', 61_000, said));
    then.thenPhase('alpha', 'ended');
    expect(legOf(then.run, 'alpha').outcome?.event.data.status).toBe('timeout');
  });

  test('an estimate is kept quiet, and polls come seldom', () => {
    const then = given(run('alpha'), ...late).when(reply('alpha', 61_000, says.estimated)).then();
    expect(nextWakeAtMs(then.run)).toBeGreaterThanOrEqual(at(61_000 + 8_000));
  });

  test('a POST that is accepted is polled on, and one that fails is not repeated', () => {
    const inPost = given(run('alpha'), posted, overdue);
    inPost.when(reply('alpha', 61_000, says.accepted)).then().thenPhase('alpha', 'poll-due');
    inPost.when(reply('alpha', 61_000, says.fault)).thenPhase('alpha', 'ended');
  });

  test('the last moment abandons what is under way, and no reply counts after it', () => {
    given(run('alpha'), ...late).when(tick(LATE_UNTIL_MS - 1)).thenNothing();
    given(run('alpha'), ...late).when(tick(LATE_UNTIL_MS)).then('abandon alpha');
    const after = given(run('alpha'), ...late).when(reply('alpha', LATE_UNTIL_MS, says.quoted));
    after.thenPhase('alpha', 'ended');
    expect(legOf(after.run, 'alpha').outcome?.event.data.status).toBe('timeout');
  });
});

