/**
 * Every phase of a leg × everything that can happen to it. The tables are total by type: a new phase, input or reply
 * does not compile until somebody has decided what it leads to.
 *
 * A cell is the phase after, with the attempt if it is another, and the effects.
 */
import { describe, expect, test } from '@jest/globals';
import type { InsurerReply } from './insurer-reply.ts';
import { step } from './run.ts';
import type { Phase, RunInput, RunState } from './run-state.ts';
import { at, DEADLINE_MS } from './simulation-events.ts';
import {
  acked,
  cancel,
  LATE_UNTIL_MS,
  legOf,
  quote,
  reply,
  retry,
  run,
  runAfter,
  says,
  tick,
  told,
} from './simulation-given.ts';

type PhaseKind = Phase['kind'];
type Happened = Exclude<RunInput['kind'], 'replied'> | InsurerReply['kind'];
type Cell = PhaseKind | `${PhaseKind} #2` | `${PhaseKind}, ${string}` | `${PhaseKind} #2, ${string}`;
type Row = Record<Happened, Cell>;
type Table = Record<PhaseKind, Row>;

const posted = tick(0);
const polled = [posted, reply('alpha', 300, says.accepted), tick(1_500)];

/** A leg without outcome in each phase; ended: it has just answered. */
const inPhase: Record<PhaseKind, RunState> = {
  'post-due': runAfter(run('alpha'), posted, reply('alpha', 300, says.fault)),
  posting: runAfter(run('alpha'), posted),
  'poll-due': runAfter(run('alpha'), ...polled, reply('alpha', 1_600, says.pending)),
  polling: runAfter(run('alpha'), ...polled),
  ended: runAfter(run('alpha'), ...polled, reply('alpha', 1_600, says.quoted)),
};

const inputs: Record<Happened, (run: RunState, afterMs: number) => RunInput> = {
  tick: () => ({ kind: 'tick' }),
  acked: (held, afterMs) => acked('alpha', afterMs).inputOf(held),
  cancelled: (held, afterMs) => cancel(afterMs).inputOf(held),
  'retry-asked': (held, afterMs) => retry('alpha', afterMs).inputOf(held),
  accepted: said(says.accepted),
  pending: said(says.pending),
  unknown: said(says.unknown),
  estimated: said({ kind: 'estimated', quote: { ...quote, premium_kopecks: 1 } }),
  quoted: said(says.quoted),
  declined: said(says.declined),
  needs_data: said(says.needsData),
  failed: said(says.failed),
  skipped: said(says.skipped),
  fault: said(says.fault),
};

function said(of: InsurerReply): (run: RunState, afterMs: number) => RunInput {
  return (held, afterMs) => reply('alpha', afterMs, of).inputOf(held);
}

/** Replies that no call waits for. */
const noReply = <C extends Cell>(phase: C): Record<InsurerReply['kind'], C> => ({
  accepted: phase,
  pending: phase,
  unknown: phase,
  estimated: phase,
  quoted: phase,
  declined: phase,
  needs_data: phase,
  failed: phase,
  skipped: phase,
  fault: phase,
});

const inTime: Table = {
  'post-due': {
    ...noReply('post-due'),
    tick: 'posting, post alpha',
    acked: 'post-due',
    cancelled: 'ended',
    'retry-asked': 'post-due #2',
  },
  posting: {
    tick: 'posting',
    acked: 'posting',
    cancelled: 'ended, abandon alpha',
    'retry-asked': 'post-due #2, abandon alpha',
    accepted: 'poll-due, publish submitted alpha',
    pending: 'posting',
    unknown: 'posting',
    estimated: 'posting',
    quoted: 'ended, publish quoted alpha',
    declined: 'ended, publish declined alpha',
    needs_data: 'ended, publish needs_data alpha',
    failed: 'ended, publish error alpha',
    skipped: 'ended, publish skipped alpha',
    fault: 'post-due',
  },
  'poll-due': {
    ...noReply('poll-due'),
    tick: 'polling, poll alpha',
    acked: 'poll-due',
    cancelled: 'ended',
    'retry-asked': 'post-due #2',
  },
  polling: {
    tick: 'polling',
    acked: 'polling',
    cancelled: 'ended, abandon alpha',
    'retry-asked': 'post-due #2, abandon alpha',
    accepted: 'polling',
    pending: 'poll-due',
    unknown: 'poll-due',
    estimated: 'poll-due, publish estimated alpha',
    quoted: 'ended, publish quoted alpha',
    declined: 'ended, publish declined alpha',
    needs_data: 'ended, publish needs_data alpha',
    failed: 'ended, publish error alpha',
    skipped: 'poll-due',
    fault: 'poll-due',
  },
  ended: {
    ...noReply('ended'),
    tick: 'ended',
    acked: 'ended',
    cancelled: 'ended',
    'retry-asked': 'post-due #2',
  },
};

/** The first thing that happens after the deadline: the timeout comes before it. */
const overdue: Table = {
  'post-due': {
    ...noReply('ended, publish timeout alpha'),
    tick: 'ended, publish timeout alpha',
    acked: 'ended, publish timeout alpha',
    cancelled: 'ended, publish timeout alpha',
    'retry-asked': 'post-due #2, publish timeout alpha',
  },
  posting: {
    tick: 'posting, publish timeout alpha',
    acked: 'posting, publish timeout alpha',
    cancelled: 'ended, publish timeout alpha, abandon alpha',
    'retry-asked': 'post-due #2, publish timeout alpha, abandon alpha',
    accepted: 'poll-due, publish timeout alpha',
    pending: 'posting, publish timeout alpha',
    unknown: 'posting, publish timeout alpha',
    estimated: 'posting, publish timeout alpha',
    quoted: 'ended, publish timeout alpha, publish quoted alpha late',
    declined: 'ended, publish timeout alpha, publish declined alpha late',
    needs_data: 'ended, publish timeout alpha, publish needs_data alpha late',
    failed: 'ended, publish timeout alpha, abandon alpha',
    skipped: 'ended, publish timeout alpha, abandon alpha',
    fault: 'ended, publish timeout alpha, abandon alpha',
  },
  'poll-due': {
    ...noReply('poll-due, publish timeout alpha'),
    tick: 'polling, publish timeout alpha, poll alpha',
    acked: 'poll-due, publish timeout alpha',
    cancelled: 'ended, publish timeout alpha',
    'retry-asked': 'post-due #2, publish timeout alpha',
  },
  polling: {
    tick: 'polling, publish timeout alpha',
    acked: 'polling, publish timeout alpha',
    cancelled: 'ended, publish timeout alpha, abandon alpha',
    'retry-asked': 'post-due #2, publish timeout alpha, abandon alpha',
    accepted: 'polling, publish timeout alpha',
    pending: 'poll-due, publish timeout alpha',
    unknown: 'poll-due, publish timeout alpha',
    estimated: 'poll-due, publish timeout alpha',
    quoted: 'ended, publish timeout alpha, publish quoted alpha late',
    declined: 'ended, publish timeout alpha, publish declined alpha late',
    needs_data: 'ended, publish timeout alpha, publish needs_data alpha late',
    failed: 'ended, publish timeout alpha, abandon alpha',
    skipped: 'poll-due, publish timeout alpha',
    fault: 'poll-due, publish timeout alpha',
  },
  ended: inTime.ended,
};

/** After the late window nothing is asked and no answer counts. A leg that waits for its POST ended at the deadline. */
const tooLate: Omit<Table, 'post-due'> = {
  posting: {
    ...noReply('ended, abandon alpha'),
    tick: 'ended, abandon alpha',
    acked: 'posting',
    cancelled: 'posting',
    'retry-asked': 'post-due #2, abandon alpha',
  },
  'poll-due': {
    ...noReply('poll-due'),
    tick: 'ended',
    acked: 'poll-due',
    cancelled: 'poll-due',
    'retry-asked': 'post-due #2',
  },
  polling: {
    ...noReply('ended, abandon alpha'),
    tick: 'ended, abandon alpha',
    acked: 'polling',
    cancelled: 'polling',
    'retry-asked': 'post-due #2, abandon alpha',
  },
  ended: inTime.ended,
};

const outcomeOf = (held: RunState, happened: Happened, afterMs: number): string => {
  const { run: next, effects } = step(held, inputs[happened](held, afterMs), at(afterMs));
  const { phase, attempt } = legOf(next, 'alpha');
  return [attempt === 1 ? phase.kind : `${phase.kind} #${attempt}`, ...effects.map(told)].join(', ');
};

const keysOf = <K extends string>(record: Readonly<Record<K, unknown>>): K[] => Object.keys(record) as K[];

const cellsOf = <P extends PhaseKind>(table: Record<P, Row>): [P, Happened, Cell][] =>
  keysOf(table).flatMap((phase) =>
    keysOf(table[phase]).map((happened): [P, Happened, Cell] => [phase, happened, table[phase][happened]]),
  );

describe('a leg before its deadline', () => {
  test.each(cellsOf(inTime))('in %s, on %s → %s', (phase, happened, cell) => {
    expect(legOf(inPhase[phase], 'alpha').phase.kind).toBe(phase);
    expect(outcomeOf(inPhase[phase], happened, 10_000)).toBe(cell);
  });
});

describe('a leg whose deadline has just passed', () => {
  test.each(cellsOf(overdue))('in %s, on %s → %s', (phase, happened, cell) => {
    expect(outcomeOf(inPhase[phase], happened, DEADLINE_MS)).toBe(cell);
  });
});

describe('a leg whose late window has ended', () => {
  test.each(cellsOf(tooLate))('in %s, on %s → %s', (phase, happened, cell) => {
    const timedOut = runAfter(inPhase[phase], acked('alpha', DEADLINE_MS));
    expect(legOf(timedOut, 'alpha').phase.kind).toBe(phase);
    expect(outcomeOf(timedOut, happened, LATE_UNTIL_MS)).toBe(cell);
  });
});
