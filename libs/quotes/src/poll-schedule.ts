/** When an insurer is asked again. Times are spread by a jitter that derives from the leg, so a run replays identically. */
import { plannedGapMs, type PollPlan } from './poll-plan.ts';

/** First poll: the fastest insurers answer in about a second. */
const FIRST_POLL_MS = 600;
const POLL_GROWTH = 1.3;
/** A poll every 3 s at most is what insurers of this kind bear (VSK, Yandex: one a second at the very most). */
const POLL_MS_MAX = 3_000;
/** In the late window nobody waits at the page any more. */
const LATE_POLL_MS = 10_000;
const HINT_MS_MIN = 200;
const HINT_MS_MAX = 15_000;

const RETRY_FIRST_MS = 400;
const RETRY_GROWTH = 2;
const RETRY_MS_MAX = 8_000;

/** FNV-1a of a text, as a number in [0, 1). */
export const fraction = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
};

/** Enough to spread a burst of equal requests, too little to be noticed. */
const SPREAD = 0.2;

const jittered = (delayMs: number, seed: string, spread = SPREAD): number =>
  Math.round(delayMs * (1 + spread * (2 * fraction(seed) - 1)));

/** Less than the usual jitter: a plan knows why it asks just then. */
const PLAN_SPREAD = 0.05;

export interface PollBasis {
  /** Since the insurer accepted the application. */
  ageMs?: number;
  /** The insurer's own Retry-After on a pending answer; it replaces our guess within sane bounds. */
  hintMs?: number;
  /** What was learned of the insurer; without it polls grow rarer by themselves. */
  plan?: PollPlan;
}

export const pollDelayMs = (seed: string, polls: number, { ageMs = 0, hintMs, plan }: PollBasis): number => {
  const of = `${seed}:poll:${polls}`;
  if (hintMs !== undefined) return jittered(Math.min(Math.max(hintMs, HINT_MS_MIN), HINT_MS_MAX), of);
  if (plan !== undefined) return jittered(plannedGapMs(plan, ageMs), of, PLAN_SPREAD);
  return jittered(Math.min(FIRST_POLL_MS * POLL_GROWTH ** polls, POLL_MS_MAX), of);
};

export const latePollDelayMs = (seed: string, polls: number): number =>
  jittered(LATE_POLL_MS, `${seed}:late:${polls}`);

/** After the `tries`-th failed try (1, 2, …). A Retry-After is obeyed as a minimum. */
export const retryDelayMs = (
  seed: string,
  tries: number,
  retryAfterMs: number | undefined,
): number => {
  const backoffMs = Math.min(RETRY_FIRST_MS * RETRY_GROWTH ** (tries - 1), RETRY_MS_MAX);
  return Math.max(jittered(backoffMs, `${seed}:retry:${tries}`), retryAfterMs ?? 0);
};
