/** Waits until a child answers. It ends early when the child does, and always in bounded time. */
import type { Child } from './child.ts';
import { PartError } from './part-error.ts';

/** Between two questions: short, because start-up time is what people wait for. */
const POLL_MS = 40;

/** Enough to see a stack's first lines and a message. */
const LOG_LINES = 8;

export interface Readiness {
  /** For the sentence: "Kafka". */
  what: string;
  timeoutMs: number;
  /** May reject: that counts as not yet. */
  probe: () => Promise<boolean>;
}

const withLog = (sentence: string, child: Child): PartError =>
  new PartError([`${sentence} Its log is ${child.logFile}:`, ...child.lastLines(LOG_LINES)].join('\n  '));

/** Throws {@link PartError} with the last lines of the log when the child ends, or the time does, before it answers. */
export const untilReady = async (child: Child, { what, timeoutMs, probe }: Readiness): Promise<void> => {
  let ended: string | undefined;
  void child.ended.then(({ code, signal, error }) => {
    ended = error?.message ?? (signal === null ? `code ${code}` : `signal ${signal}`);
  });
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    if (await probe().catch(() => false)) return;
    if (ended !== undefined) throw withLog(`${what} ended before it was ready (${ended}).`, child);
    if (Date.now() > giveUpAt) throw withLog(`${what} was not ready within ${timeoutMs / 1000} s.`, child);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};
