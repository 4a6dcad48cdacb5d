/** When an insurer is asked again. Times are spread by a jitter that derives from the leg, so a run replays identically. */

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

/** ± 20 %: enough to spread a burst of equal requests, too little to be noticed. */
const jittered = (delayMs: number, seed: string): number =>
  Math.round(delayMs * (0.8 + 0.4 * fraction(seed)));

/** `hintMs` is the insurer's own Retry-After on a pending answer; it replaces our guess within sane bounds. */
export const pollDelayMs = (seed: string, polls: number, hintMs: number | undefined): number => {
  const delayMs =
    hintMs === undefined
      ? Math.min(FIRST_POLL_MS * POLL_GROWTH ** polls, POLL_MS_MAX)
      : Math.min(Math.max(hintMs, HINT_MS_MIN), HINT_MS_MAX);
  return jittered(delayMs, `${seed}:poll:${polls}`);
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
