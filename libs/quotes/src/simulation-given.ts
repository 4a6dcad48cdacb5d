/**
 * Test kit: given a run and what happened to it, when one more thing happens, then these effects follow. Times are
 * milliseconds after the request was accepted, and all legs share the deadline of {@link DEADLINE_MS}.
 */
import { expect } from '@jest/globals';
import type { InsurerQuote, LegEvent, PublishedStatus } from '@osago/contracts';
import type { InsurerReply } from './insurer-reply.ts';
import { resumeRun, step } from './run.ts';
import { type LegRun, type Phase, type RunEffect, type RunInput, type RunState, startRun } from './run-state.ts';
import { at, DEADLINE_MS, type Deadlines, REQUEST_ID, submitted, timestamp } from './simulation-events.ts';

export const FENCE = 100;
export const LATE_UNTIL_MS = DEADLINE_MS + 120_000;

/** A new run of the insurers, in the order of the panel. */
export const run = (...insurers: string[]): RunState =>
  runUntil(Object.fromEntries(insurers.map((insurer) => [insurer, DEADLINE_MS])));

export const runUntil = (deadlines: Deadlines): RunState => {
  const { data } = submitted(deadlines);
  return startRun({ ...data, policyStartDate: data.tariff.policy_start_date }, FENCE, at(0));
};

/** Something that happens to the run at a moment. */
export interface Happening {
  readonly afterMs: number;
  readonly inputOf: (run: RunState) => RunInput;
}

const happening = (afterMs: number, input: RunInput): Happening => ({ afterMs, inputOf: () => input });

export const tick = (afterMs: number): Happening => happening(afterMs, { kind: 'tick' });

export const reply = (insurer_id: string, afterMs: number, said: InsurerReply, attempt = 1): Happening =>
  happening(afterMs, { kind: 'replied', insurer_id, attempt, reply: said });

export const cancel = (afterMs: number, revision = 2): Happening =>
  happening(afterMs, { kind: 'cancelled', revision, atMs: at(afterMs) });

export const retry = (
  insurer_id: string,
  afterMs: number,
  { attempt = 2, revision = 2, ...members }: { attempt?: number; revision?: number; policy_start_date?: string } = {},
): Happening =>
  happening(afterMs, {
    kind: 'retry-asked',
    name: insurer_id.toUpperCase(),
    retry: {
      request_id: REQUEST_ID,
      revision,
      insurer_id,
      attempt,
      deadline_at: timestamp(afterMs + DEADLINE_MS),
      ...members,
    },
  });

/** The broker has the outcome that the leg holds. */
export const acked = (insurerId: string, afterMs: number): Happening => ({
  afterMs,
  inputOf: (held) => ({ kind: 'acked', event_id: legOf(held, insurerId).outcome?.event.id ?? 'none' }),
});

export const quote: InsurerQuote = { premium_kopecks: 812_300 };
export const says = {
  accepted: { kind: 'accepted', application_id: 'app-1' },
  pending: { kind: 'pending' },
  unknown: { kind: 'unknown' },
  estimated: { kind: 'estimated', quote },
  quoted: { kind: 'quoted', quote },
  declined: { kind: 'declined', reason: { code: 'too_many_claims' } },
  needsData: { kind: 'needs_data', missing_fields: ['/drivers/0/licence'] },
  failed: { kind: 'failed' },
  skipped: { kind: 'skipped', reason: { code: 'capacity' } },
  fault: { kind: 'fault', fault: 'server', message: 'HTTP 500' },
} satisfies Record<string, InsurerReply>;

export const legOf = (held: RunState, insurerId: string): LegRun => {
  const found = held.legs.find(({ insurer_id }) => insurer_id === insurerId);
  if (found === undefined) throw new Error(`no leg of ${insurerId}`);
  return found;
};

/** An effect in one line: `publish quoted alpha late`. */
export const told = (effect: RunEffect): string => {
  if (effect.kind !== 'publish') {
    return `${effect.kind} ${effect.insurer_id}${effect.attempt > 1 ? ` #${effect.attempt}` : ''}`;
  }
  const { status, insurer_id, attempt, late } = effect.event.data;
  return `publish ${status} ${insurer_id}${attempt > 1 ? ` #${attempt}` : ''}${late ? ' late' : ''}`;
};

export class Then {
  readonly run: RunState;
  readonly #before: RunState;
  readonly #effects: readonly RunEffect[];

  constructor(before: RunState, after: RunState, effects: readonly RunEffect[]) {
    this.#before = before;
    this.run = after;
    this.#effects = effects;
  }

  /** Exactly these effects, in this order, each as {@link told}. */
  then(...effects: string[]): this {
    expect(this.#effects.map(told)).toEqual(effects);
    return this;
  }

  /** Silence: no effect, and the run is as it was. */
  thenNothing(): this {
    this.then();
    expect(this.run).toEqual(this.#before);
    return this;
  }

  thenPhase(insurerId: string, kind: Phase['kind'], members: Partial<Phase> = {}): this {
    expect(legOf(this.run, insurerId).phase).toMatchObject({ kind, ...members });
    return this;
  }

  /** The one event of this status that is published. */
  published(status: PublishedStatus): LegEvent {
    const events = this.#effects
      .flatMap((effect) => (effect.kind === 'publish' ? [effect.event] : []))
      .filter((event) => event.data.status === status);
    const [event, ...others] = events;
    if (event === undefined || others.length > 0) throw new Error(`${events.length} events of ${status}`);
    return event;
  }
}

const after = (held: RunState, { afterMs, inputOf }: Happening) => step(held, inputOf(held), at(afterMs));

/** The run after all that happened, whatever its effects were. */
export const runAfter = (start: RunState, ...history: Happening[]): RunState =>
  history.reduce((held, happened) => after(held, happened).run, start);

export const given = (start: RunState, ...history: Happening[]) => {
  const before = runAfter(start, ...history);
  return {
    when: (happened: Happening): Then => {
      const stepped = after(before, happened);
      return new Then(before, stepped.run, stepped.effects);
    },
    /** As when: another pod takes the run over. It has been stored as JSON in between. */
    whenResumed: (afterMs: number, fence = FENCE + 1): Then => {
      const stored = JSON.parse(JSON.stringify(before)) as RunState;
      expect(stored).toEqual(before);
      const resumed = resumeRun(stored, fence, at(afterMs));
      return new Then(before, resumed.run, resumed.effects);
    },
  };
};
