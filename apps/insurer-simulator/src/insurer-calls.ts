/** What a simulated insurer says to one call of the standard protocol (design §7a), its faults included. */
import type { InsurerAnswer } from '@osago/contracts';
import { answerAt, answersInPost, type Plan, type ReceivedApplication } from './behaviour.ts';
import type { MarkedCall } from './fault.ts';
import { refusal, type Reply } from './reply.ts';
import type { SimulatedInsurer } from './simulated-insurer.ts';

/** Whole seconds have no need of decimals; shorter pauses of a fast simulator do. */
const seconds = (value: number): string => String(Number(value.toFixed(3)));

export const BROKEN: Reply = { status: 0, body: undefined, resets: true };

/** What is said before the call is looked at, if anything. */
export const refusalOf = (insurer: SimulatedInsurer, call: MarkedCall): Reply | undefined => {
  const { behaviour, counter, faults } = insurer;
  const struck = (reply: Reply): Reply => {
    counter.counters.faulted += 1;
    return reply;
  };
  const limited = (retryAfterS: number): Reply => {
    counter.counters.limited += 1;
    const retryAfter = seconds(retryAfterS / behaviour.speed);
    return refusal(429, 'too many calls', { 'retry-after': retryAfter });
  };
  if (faults.strike('outage', call) !== undefined) return struck(BROKEN);
  if (!insurer.admit()) return limited(behaviour.profile.limit?.retry_after_s ?? 1);
  const busy = faults.strike('busy', call);
  if (busy !== undefined) return struck(limited(busy.retry_after_s));
  const status = faults.strike('status', call);
  return status === undefined ? undefined : struck(refusal(status.status, 'internal error'));
};

/** An answer on its way: half of it, byte by byte, with a clock that is off, or as it should be. */
const onTheWay = (insurer: SimulatedInsurer, call: MarkedCall, reply: Reply): Reply => {
  const { counters } = insurer.counter;
  const halves = insurer.faults.strike('malformed_json', call) !== undefined;
  const drip = insurer.faults.strike('slow_drip', call);
  if (!halves && drip === undefined) return reply;
  counters.faulted += 1;
  return { ...reply, halves, ...(drip !== undefined && { bytesPerSecond: drip.bytes_per_s }) };
};

const answerOf = (insurer: SimulatedInsurer, call: MarkedCall, plan: Plan, atMs: number): InsurerAnswer => {
  const answer = answerAt(plan, atMs);
  const skew = insurer.faults.strike('clock_skew', call);
  if (skew === undefined || !('quote' in answer) || answer.quote.valid_until === undefined) return answer;
  const validUntil = new Date(Date.parse(answer.quote.valid_until) + skew.by_ms).toISOString();
  return { ...answer, quote: { ...answer.quote, valid_until: validUntil } };
};

const callMs = ({ behaviour }: SimulatedInsurer): number => behaviour.profile.call_ms / behaviour.speed;

export const postReply = (
  insurer: SimulatedInsurer,
  received: ReceivedApplication,
  call: MarkedCall,
  nowMs: number,
): Reply => {
  const { plan, posts } = insurer.receive(received, call);
  // Only the POST that made the application: the repeat is told of it, or nobody could ever get through.
  if (posts === 1 && insurer.faults.strike('reset_after_accept', call) !== undefined) {
    insurer.counter.counters.faulted += 1;
    return BROKEN;
  }
  if (!answersInPost(insurer.behaviour, plan)) {
    const body = { application_id: plan.applicationId, status: 'pending' };
    return onTheWay(insurer, call, { status: 201, body, afterMs: callMs(insurer) });
  }
  const status = plan.outcome.status === 'ready' ? 200 : 422;
  const body = answerOf(insurer, call, plan, plan.readyAtMs);
  return onTheWay(insurer, call, { status, body, afterMs: Math.max(plan.readyAtMs - nowMs, 0) });
};

export const pollReply = (
  insurer: SimulatedInsurer,
  applicationId: string,
  call: MarkedCall,
  nowMs: number,
): Reply => {
  insurer.counter.counters.polls += 1;
  const known = insurer.knownById(applicationId);
  if (known === undefined) return refusal(404, 'no such application');
  const { profile, speed } = insurer.behaviour;
  const notYet = insurer.faults.strike('not_found_first', call);
  if (notYet !== undefined && nowMs < known.receivedAtMs + notYet.for_ms / speed) {
    insurer.counter.counters.faulted += 1;
    return refusal(404, 'no such application');
  }
  const body = answerOf(insurer, call, known.plan, nowMs);
  const isHinted = body.status === 'pending' && profile.poll_hint_s !== undefined;
  const headers = isHinted ? { 'retry-after': seconds((profile.poll_hint_s ?? 0) / speed) } : {};
  return onTheWay(insurer, call, { status: 200, body, headers, afterMs: callMs(insurer) });
};
