/** A simulated life as its laws look at it: what was asked, what was called, what stands on the log. */
import { isLegEvent, type LegEvent, type Quote } from '@osago/contracts';
import { foldRecords, type LogRecord } from './simulation-events.ts';
import { entriesOf, type Trace } from './simulation-trace.ts';
import { isVisible, view, type View, type Visible } from './view.ts';

/** An attempt at a leg, as its command asked for it. */
export interface Asked {
  insurer_id: string;
  attempt: number;
  revision: number;
  deadlineAtMs: number;
}

/** A life, with what several laws look at. */
export interface Life {
  readonly trace: Trace;
  readonly records: readonly LogRecord[];
  readonly asked: readonly Asked[];
  readonly lastDeadlineAtMs: number;
  readonly state: Visible;
  /** After everything. */
  readonly shown: View;
}

export type Law = (life: Life) => string[];

const ANSWERS: readonly string[] = ['quoted', 'declined', 'needs_data'];
export const isAnswer = ({ status }: Pick<Quote, 'status'>): boolean => ANSWERS.includes(status);
export const nameOf = ({ insurer_id, attempt }: Pick<Asked, 'insurer_id' | 'attempt'>): string =>
  `${insurer_id} #${attempt}`;

export const visible = (records: readonly LogRecord[]): Visible => {
  const state = foldRecords(records);
  if (!isVisible(state)) throw new Error('the submitted event is the first on the log');
  return state;
};

export const askedBy = (records: readonly LogRecord[]): Asked[] =>
  records.flatMap(({ event }): Asked[] => {
    if (event.type === 'osago.request.submitted.v1') {
      return event.data.panel.map(({ insurer_id, deadline_at }) => ({
        insurer_id,
        attempt: 1,
        revision: 1,
        deadlineAtMs: Date.parse(deadline_at),
      }));
    }
    if (event.type !== 'osago.leg.retry-asked.v1') return [];
    const { insurer_id, attempt, revision, deadline_at } = event.data;
    return [{ insurer_id, attempt, revision, deadlineAtMs: Date.parse(deadline_at) }];
  });

export const lifeOf = (trace: Trace): Life => {
  const records = entriesOf(trace, 'recorded').map(({ record }) => record);
  const state = visible(records);
  const asked = askedBy(records);
  const lastDeadlineAtMs = Math.max(...asked.map(({ deadlineAtMs }) => deadlineAtMs));
  return { trace, records, asked, lastDeadlineAtMs, state, shown: view(state, trace.endedAtMs) };
};

export const legEventsIn = (records: readonly LogRecord[]): LegEvent[] =>
  records.map(({ event }) => event).filter(isLegEvent);

/** Every call that a step has asked for. Whether it came to be carried out is another matter: no law asks for it. */
export const callsOf = (trace: Trace) =>
  entriesOf(trace, 'stepped').flatMap(({ atMs, pod, fence, effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'post' || effect.kind === 'poll' ? [{ atMs, by: `${pod} ${fence}`, call: effect }] : [],
    ),
  );
