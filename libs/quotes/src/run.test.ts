import { describe, expect, test } from '@jest/globals';
import { isRunFinished, isRunOver, nextWakeAtMs } from './run-state.ts';
import { beginRun } from './run.ts';
import { at, DEADLINE_MS, submitted } from './simulation-events.ts';
import {
  acked,
  cancel,
  FENCE,
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

describe('a new run', () => {
  test('asks every insurer at once', () => {
    given(run('alpha', 'beta')).when(posted).then('post alpha', 'post beta');
  });

  test('wakes at once', () => {
    expect(nextWakeAtMs(run('alpha'))).toBe(at(0));
  });

  test('asks nobody a second time while the call is under way', () => {
    given(run('alpha'), posted).when(tick(10)).thenNothing();
  });

  test('wakes at the nearest deadline while all calls are under way', () => {
    const held = runAfter(runUntil({ alpha: 60_000, beta: 20_000 }), posted);
    expect(nextWakeAtMs(held)).toBe(at(20_000));
  });
});

describe('the deadline', () => {
  test('times out every leg without outcome, whatever comes at that moment', () => {
    const history: Happening[] = [...asked, reply('beta', 900, says.quoted)];
    given(run('alpha', 'beta', 'gamma'), ...history)
      .when(overdue)
      .then('publish timeout alpha', 'publish timeout gamma');
  });

  test('comes a moment after the last answer in time', () => {
    given(run('alpha'), ...asked).when(reply('alpha', 59_999, says.quoted)).then('publish quoted alpha');
    given(run('alpha'), ...asked)
      .when(reply('alpha', 60_000, says.quoted))
      .then('publish timeout alpha', 'publish quoted alpha late');
  });

  test('is each leg\'s own', () => {
    given(runUntil({ alpha: 60_000, beta: 20_000 }), posted).when(tick(20_000)).then('publish timeout beta');
  });

  test('ends a leg that waits for its next POST: what was never asked cannot be answered late', () => {
    const held = runAfter(run('alpha'), posted, reply('alpha', 59_900, says.fault));
    given(held).when(overdue).then('publish timeout alpha').thenPhase('alpha', 'ended');
  });

  test('asks nobody when it has passed before the first tick', () => {
    given(run('alpha')).when(tick(70_000)).then('publish timeout alpha').thenPhase('alpha', 'ended');
  });

  test('is told once', () => {
    given(run('alpha'), ...asked, overdue).when(tick(60_001)).thenNothing();
  });
});

describe('a retry', () => {
  const failed = [posted, reply('alpha', 800, says.failed), reply('beta', 800, says.quoted)];

  test('is not known to a leg that waits for a reply of the attempt before', () => {
    const held = runAfter(run('alpha'), posted, retry('alpha', 1_000), tick(1_000));
    given(held).when(reply('alpha', 1_100, says.quoted, 1)).thenNothing();
    given(held).when(reply('alpha', 1_100, says.quoted, 2)).then('publish quoted alpha #2');
  });

  test('asks that insurer once more, with its own deadline', () => {
    const then = given(run('alpha', 'beta'), ...failed).when(retry('alpha', 70_000));
    expect(nextWakeAtMs(then.thenPhase('alpha', 'post-due').run)).toBe(at(70_000));
    given(then.run).when(tick(70_000)).then('post alpha #2');
    given(then.run, tick(70_000)).when(tick(130_000)).then('publish timeout alpha #2');
  });

  test('frees the call of the attempt before', () => {
    given(run('alpha'), ...asked, overdue).when(retry('alpha', 61_000)).then('abandon alpha');
  });

  test('that was heard before: silence', () => {
    given(run('alpha'), ...failed, retry('alpha', 900)).when(retry('alpha', 901)).thenNothing();
    given(run('alpha'), posted).when(retry('alpha', 900, { attempt: 1 })).thenNothing();
  });

  test('of an insurer that the run does not know is worked on: a new holder may have forgotten it', () => {
    const then = given(run('alpha'), posted).when(retry('gamma', 900, { attempt: 3 })).then();
    given(then.run).when(tick(900)).then('post gamma #3').thenPhase('alpha', 'posting');
  });

  test('whose deadline has passed asks nobody', () => {
    const then = given(run('alpha'), ...failed).when(retry('alpha', 900)).then();
    given(then.run).when(tick(61_000)).then('publish timeout alpha #2').thenPhase('alpha', 'ended');
  });

  test('numbers its events from one, under the same fence', () => {
    const { data } = given(run('alpha'), ...failed, retry('alpha', 900), tick(900))
      .when(reply('alpha', 1_900, says.quoted, 2))
      .published('quoted');
    expect(data).toMatchObject({ attempt: 2, fence: FENCE, step: 1 });
  });
});

describe('an acknowledgement', () => {
  test('of every outcome finishes the run', () => {
    const answered = runAfter(run('alpha', 'beta'), posted, reply('alpha', 1_000, says.quoted), overdue);
    expect(isRunFinished(runAfter(answered, acked('alpha', 60_010)))).toBe(false);
    expect(isRunFinished(runAfter(answered, acked('alpha', 60_010), acked('beta', 60_020)))).toBe(true);
  });

  test('is what an answered run waits for before it is over', () => {
    const answered = runAfter(run('alpha'), posted, reply('alpha', 1_000, says.quoted));
    expect(isRunOver(answered)).toBe(false);
    expect(isRunOver(runAfter(answered, acked('alpha', 1_010)))).toBe(true);
  });

  test('of an outcome that a later one replaced: silence', () => {
    const late = [...asked, overdue, reply('alpha', 61_000, says.quoted)];
    const timeoutId = legOf(runAfter(run('alpha'), ...asked, overdue), 'alpha').outcome!.event.id;
    given(run('alpha'), ...late)
      .when({ afterMs: 61_010, inputOf: () => ({ kind: 'acked', event_id: timeoutId }) })
      .thenNothing();
  });

  test('of an event that nobody waits for: silence', () => {
    given(run('alpha'), posted).when(acked('alpha', 10)).thenNothing();
  });

  test('leaves the late window open: the run is finished and not yet over', () => {
    const held = runAfter(run('alpha'), ...asked, overdue, acked('alpha', 60_010));
    expect(isRunFinished(held)).toBe(true);
    expect(isRunOver(held)).toBe(false);
    expect(isRunOver(runAfter(held, tick(LATE_UNTIL_MS)))).toBe(true);
    expect(nextWakeAtMs(runAfter(held, tick(LATE_UNTIL_MS)))).toBeUndefined();
  });
});

describe('a cancel', () => {
  test('abandons the calls under way and asks no more', () => {
    const then = given(run('alpha', 'beta'), ...asked).when(cancel(2_000));
    then.then('abandon alpha', 'abandon beta');
    given(then.run).when(tick(70_000)).thenNothing();
    given(then.run).when(reply('alpha', 2_100, says.quoted)).thenNothing();
  });

  test('finishes the run without a word on the log', () => {
    const { run: held } = given(run('alpha'), ...asked).when(cancel(2_000));
    expect([isRunFinished(held), isRunOver(held)]).toEqual([true, true]);
    expect(nextWakeAtMs(held)).toBeUndefined();
  });

  test('lets an answer be, and the broker still has to take it', () => {
    const answered = [posted, reply('alpha', 1_000, says.quoted)];
    const { run: held } = given(run('alpha'), ...answered).when(cancel(2_000)).thenNothing();
    expect(isRunFinished(held)).toBe(false);
  });

  test('ends the late window of a leg that timed out', () => {
    given(run('alpha'), ...asked, overdue).when(cancel(60_500)).then('abandon alpha');
  });

  test('that comes when the time of a leg was over leaves its late window open: a retry of another had re-opened the request', () => {
    const history = [...asked, overdue, retry('beta', 61_000)];
    given(run('alpha', 'beta'), ...history).when(cancel(61_001, 3)).thenPhase('alpha', 'polling').thenPhase('beta', 'ended');
  });

  test('of a revision at which the leg was asked, or lower: silence', () => {
    given(run('alpha'), posted).when(cancel(2_000, 1)).thenNothing();
    given(run('alpha'), posted, retry('alpha', 900, { revision: 3 })).when(cancel(2_000, 3)).thenNothing();
    given(run('alpha'), posted, retry('alpha', 900, { revision: 3 })).when(cancel(2_000, 2)).thenNothing();
  });

  test('stops what a retry asked for before it', () => {
    const held = [posted, retry('alpha', 900, { revision: 3 }), tick(900)];
    given(run('alpha'), ...held).when(cancel(2_000, 4)).then('abandon alpha #2');
  });
});

describe('a run that another pod takes over', () => {
  test('publishes first what was not acknowledged, under the id it had', () => {
    const history = [posted, reply('alpha', 1_000, says.quoted)];
    const { event } = legOf(runAfter(run('alpha'), ...history), 'alpha').outcome!;
    const then = given(run('alpha'), ...history).whenResumed(2_000).then('publish quoted alpha');
    expect(then.published('quoted')).toEqual(event);
  });

  test('has nothing to publish of an acknowledged outcome', () => {
    given(run('alpha'), posted, reply('alpha', 1_000, says.quoted), acked('alpha', 1_010))
      .whenResumed(2_000)
      .then();
  });

  test('repeats the call that was under way', () => {
    const inPost = given(run('alpha'), posted).whenResumed(2_000).then();
    given(inPost.run).when(tick(2_000)).then('post alpha');
    const inPoll = given(run('alpha'), ...asked).whenResumed(2_000).then();
    given(inPoll.run).when(tick(2_000)).then('poll alpha');
  });

  test('does not repeat a POST after the deadline', () => {
    const { run: held } = given(run('alpha'), posted, overdue, acked('alpha', 60_010)).whenResumed(62_000);
    given(held).when(tick(62_000)).thenNothing();
    expect(isRunOver(held)).toBe(true);
  });

  test('speaks under the new fence', () => {
    const { run: held } = given(run('alpha'), ...asked).whenResumed(2_000, FENCE + 7);
    const { data } = given(held, tick(2_000)).when(reply('alpha', 2_500, says.quoted)).published('quoted');
    expect(data).toMatchObject({ fence: FENCE + 7, step: 2 });
  });

  test('begins anew what nobody stored, and goes on with what is stored of insurers that it was not told of', () => {
    const [stored] = runAfter(run('alpha'), ...asked).legs;
    const { data } = submitted({ beta: DEADLINE_MS });
    const begun = beginRun(data, new Map([['alpha', stored!]]), FENCE + 1, at(2_000));
    given(begun.run).when(tick(2_000)).then('post beta', 'poll alpha');
  });

  test('stays as quiet as it was where a leg has ended or was cancelled', () => {
    const { run: held } = given(run('alpha'), ...asked, cancel(2_000)).whenResumed(3_000).then();
    given(held).when(tick(70_000)).thenNothing();
  });
});
