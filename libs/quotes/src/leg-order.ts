/**
 * Which event of a leg counts (design §2): the maximum of (attempt, class, fence, step, event id). So order of arrival,
 * duplicates and zombies do not matter: a zombie can add an answer where there is none, and take nothing away.
 */
import type { LegEvent, PublishedStatus, QuoteStatus } from '@osago/contracts';

/** Higher replaces lower. An answer stands above every failure to get one. */
const CLASS: Readonly<Record<PublishedStatus | 'waiting', number>> = {
  quoted: 6,
  declined: 6,
  needs_data: 6,
  error: 5,
  skipped: 5,
  timeout: 4,
  estimated: 3,
  submitted: 2,
  waiting: 1,
};

/** The class of a status in the order of leg events; the archive's rows hold it as a number. */
export const classOf = (status: QuoteStatus): number => (status === 'cancelled' ? 0 : CLASS[status]);

/** True for the statuses that a cancel ends: `timeout` and all below it. */
export const endsByCancel = (status: QuoteStatus): boolean => classOf(status) <= CLASS.timeout;

/** What of an event says where it stands. */
export interface LegOrder extends Pick<LegEvent['data'], 'attempt' | 'status' | 'fence' | 'step'> {
  /** Of the event. */
  readonly id: string;
}

export const legOrderOf = ({ id, data: { attempt, status, fence, step } }: LegEvent): LegOrder => ({
  id,
  attempt,
  status,
  fence,
  step,
});

/** Negative, zero or positive, as for `sort`: the greater one counts. Zero only for events with the same id. */
export const compareLegs = (a: LegOrder, b: LegOrder): number => {
  const byNumbers =
    a.attempt - b.attempt || classOf(a.status) - classOf(b.status) || a.fence - b.fence || a.step - b.step;
  if (byNumbers !== 0) return byNumbers;
  const [first, second] = [a.id, b.id];
  return first < second ? -1 : first > second ? 1 : 0;
};

export const compareLegEvents = (a: LegEvent, b: LegEvent): number => compareLegs(legOrderOf(a), legOrderOf(b));
