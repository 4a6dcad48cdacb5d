/**
 * Test kit: arbitrary histories of one request, for fast-check. They are wilder than life (legs of attempts that nobody
 * asked for, steps in any order), because folding must not depend on anybody's good conduct.
 */
import type { CommandEvent, LegEvent, OsagoEvent } from '@osago/contracts';
import fc from 'fast-check';
import {
  cancelled,
  leg,
  type LogRecord,
  onLog,
  PUBLISHED_STATUSES,
  retryAsked,
  submitted,
} from './simulation-events.ts';

export const INSURERS = ['alpha', 'beta', 'gamma'] as const;
const insurer = fc.constantFrom(...INSURERS);
/** Around the deadlines of both attempts, where everything happens. */
const afterMs = fc.integer({ min: 0, max: 200_000 });
const ATTEMPTS_MAX = 3;

const legEvent: fc.Arbitrary<LegEvent> = fc
  .record({
    insurer_id: insurer,
    status: fc.constantFrom(...PUBLISHED_STATUSES),
    attempt: fc.integer({ min: 1, max: ATTEMPTS_MAX }),
    fence: fc.integer({ min: 0, max: 2 }),
    step: fc.integer({ min: 0, max: 3 }),
    late: fc.boolean(),
    atMs: afterMs,
  })
  .map(({ insurer_id, status, late, ...sketch }) =>
    leg(insurer_id, status, { ...sketch, late: late && status !== 'timeout' }),
  );

/** The same id is the same content, so each id occurs once. */
export const legEvents: fc.Arbitrary<LegEvent[]> = fc.uniqueArray(legEvent, {
  selector: (event) => event.id,
  maxLength: 20,
});

const laterCommand = fc.record({
  insurer_id: fc.option(insurer, { nil: undefined }),
  atMs: afterMs,
});

/** Submitted, then cancels and retries; each retry asks for the next attempt of its insurer. */
const commands: fc.Arbitrary<CommandEvent[]> = fc
  .tuple(fc.tuple(afterMs, afterMs, afterMs), fc.array(laterCommand, { maxLength: 4 }))
  .map(([[alpha, beta, gamma], later]) => {
    const attempts = new Map<string, number>();
    const events = later.map(({ insurer_id, atMs }, index): CommandEvent => {
      const revision = index + 2;
      if (insurer_id === undefined) return cancelled(revision, atMs);
      const attempt = (attempts.get(insurer_id) ?? 1) + 1;
      attempts.set(insurer_id, attempt);
      return retryAsked(revision, { insurer_id, attempt, deadlineMs: atMs + 60_000 }, atMs);
    });
    return [submitted({ alpha, beta, gamma }), ...events];
  });

/** Every record of one request, with offsets that rise in each topic. */
export const histories: fc.Arbitrary<LogRecord[]> = fc
  .tuple(commands, legEvents)
  .map(([first, legs]): OsagoEvent[] => [...first, ...legs])
  .map(onLog);

/** The same records, each at least once, in any order: every interleaving and every repetition that a feed can meet. */
const readingsOf = (records: readonly LogRecord[]): fc.Arbitrary<LogRecord[]> =>
  fc
    .subarray([...records])
    .chain((again) => {
      const all = [...records, ...again];
      return fc.shuffledSubarray(all, { minLength: all.length });
    });

export interface ReadHistory {
  records: LogRecord[];
  reading: LogRecord[];
}

export const readHistories: fc.Arbitrary<ReadHistory> = histories.chain((records) =>
  readingsOf(records).map((reading) => ({ records, reading })),
);
