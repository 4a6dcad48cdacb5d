import { expect, test } from '@jest/globals';
import { ANSWERS_MIN, type InsurerReply, plannedGapMs, type PollPlan } from '@osago/quotes';
import { PollLearning } from './poll-learning.ts';

const PENDING: InsurerReply = { kind: 'pending' };
const QUOTED: InsurerReply = { kind: 'quoted', quote: { premium_kopecks: 1 } };
const planOf = (reply: InsurerReply): PollPlan | undefined => ('plan' in reply ? reply.plan : undefined);

const setup = () => {
  const learning = new PollLearning(2_000);
  /** One application that is pending after `fromMs` and answered after `toMs`. */
  const answered = (id: string, fromMs: number, toMs: number, startMs = 0): void => {
    learning.posted('alfa', { kind: 'accepted', application_id: id }, startMs);
    learning.polled('alfa', id, PENDING, { askedAtMs: startMs + fromMs, nowMs: startMs + fromMs + 20 });
    learning.polled('alfa', id, QUOTED, { askedAtMs: startMs + toMs - 20, nowMs: startMs + toMs });
  };
  const plan = (insurerId = 'alfa') => planOf(learning.polled(insurerId, 'any', PENDING, { askedAtMs: 0, nowMs: 0 }));
  return { learning, answered, plan };
};

test('with too few answers there is no plan: the usual steps hold', () => {
  const { learning, answered, plan } = setup();
  for (let at = 1; at < ANSWERS_MIN; at += 1) answered(`${at}`, 4_000, 5_000);
  learning.replan(10_000);
  expect(plan()).toBeUndefined();
});

test('an insurer that never answers before 4 s is not asked much before', () => {
  const { learning, answered, plan } = setup();
  for (let at = 0; at < 100; at += 1) answered(`${at}`, 4_000, 5_000);
  learning.replan(10_000);
  const found = plan();
  expect(found).toBeDefined();
  if (found !== undefined) expect(plannedGapMs(found, 0)).toBeGreaterThanOrEqual(3_000);
  expect(plan('beta')).toBeUndefined();
});

test('an application that is never answered counts too, and is forgotten', () => {
  const { learning, plan } = setup();
  for (let at = 0; at < ANSWERS_MIN; at += 1) {
    learning.posted('alfa', { kind: 'accepted', application_id: `${at}` }, at);
    learning.polled('alfa', `${at}`, PENDING, { askedAtMs: 50_000, nowMs: 50_020 });
  }
  learning.replan(59_000);
  expect(plan()).toBeUndefined();
  learning.replan(61_000);
  expect(plan()).toBeDefined();
});

test('a poll that was not made by plan is planned all the same', () => {
  const { learning, answered } = setup();
  for (let at = 0; at < 100; at += 1) answered(`${at}`, 4_000, 5_000);
  learning.replan(10_000);
  const skipped = learning.polled('alfa', 'x', { kind: 'skipped', reason: { code: 'capacity' } }, { askedAtMs: 0, nowMs: 0 });
  expect(planOf(skipped)).toBeDefined();
  expect(planOf(learning.posted('alfa', { kind: 'accepted', application_id: 'y' }, 0))).toBeDefined();
});
