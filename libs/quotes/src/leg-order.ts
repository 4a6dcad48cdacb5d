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
export interface OrderedLeg {
  readonly id: string;
  readonly data: Pick<LegEvent['data'], 'attempt' | 'status' | 'fence' | 'step'>;
}

/** Negative, zero or positive, as for `sort`: the greater one counts. Zero only for events with the same id. */
export const compareLegEvents = (a: OrderedLeg, b: OrderedLeg): number => {
  const byNumbers =
    a.data.attempt - b.data.attempt ||
    classOf(a.data.status) - classOf(b.data.status) ||
    a.data.fence - b.data.fence ||
    a.data.step - b.data.step;
  if (byNumbers !== 0) return byNumbers;
  const [first, second] = [a.id, b.id];
  return first < second ? -1 : first > second ? 1 : 0;
};
