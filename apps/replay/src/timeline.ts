/** The life of one request as something to draw: milliseconds after it was accepted, one row for each insurer. */
import { isLegEvent, type OsagoEvent, type Quote, type QuoteStatus } from '@osago/contracts';
import { isVisible, view, type View } from '@osago/quotes';
import { foldAll, type LoggedEvent, placeOf } from './logged-event.ts';

export interface StatusChange {
  readonly afterMs: number;
  readonly status: QuoteStatus;
  readonly attempt: number;
  readonly late: boolean;
}

export interface TimelineLeg {
  /** As it is shown at the end of the timeline. */
  readonly quote: Quote;
  /** The first one is `waiting`, at 0. A derived end comes last. */
  readonly changes: readonly StatusChange[];
}

export interface TimelineEntry {
  readonly afterMs: number;
  readonly place: string;
  readonly says: string;
}

export interface Timeline {
  readonly view: View;
  readonly partition: number;
  readonly spanMs: number;
  readonly deadlineAfterMs: number;
  readonly legs: readonly TimelineLeg[];
  readonly entries: readonly TimelineEntry[];
}

const says = (event: OsagoEvent): string => {
  if (isLegEvent(event)) {
    const { insurer_id, status, late, attempt, reason } = event.data;
    const more = [attempt > 1 && `attempt ${attempt}`, late && 'late', reason?.code].filter(Boolean);
    return `${insurer_id} ${status}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
  }
  switch (event.type) {
    case 'osago.request.submitted.v1':
      return `submitted to ${event.data.panel.length} insurers`;
    case 'osago.request.cancelled.v1':
      return `cancelled by the person (revision ${event.data.revision})`;
    case 'osago.leg.retry-asked.v1':
      return `${event.data.insurer_id} is asked again, attempt ${event.data.attempt} (revision ${event.data.revision})`;
  }
};

const ENDED_BY_THE_CLOCK_OR_A_CANCEL: readonly QuoteStatus[] = ['timeout', 'cancelled'];

/** Undefined while the log has nothing that can be shown of the request. `events` in the order of their writing. */
export const timelineOf = (events: readonly LoggedEvent[], nowMs: number): Timeline | undefined => {
  const state = foldAll(events);
  if (!isVisible(state)) return undefined;
  const shown = view(state, nowMs);
  const acceptedAtMs = Date.parse(shown.accepted_at);
  const after = (ms: number): number => Math.max(ms - acceptedAtMs, 0);
  const changesOf = (quote: Quote): StatusChange[] => {
    const changes: StatusChange[] = [{ afterMs: 0, status: 'waiting', attempt: 1, late: false }];
    for (const { event, timestampMs } of events) {
      if (event.type === 'osago.leg.retry-asked.v1' && event.data.insurer_id === quote.insurer_id) {
        changes.push({ afterMs: after(timestampMs), status: 'waiting', attempt: event.data.attempt, late: false });
      }
      if (!isLegEvent(event) || event.data.insurer_id !== quote.insurer_id) continue;
      const { status, attempt, late } = event.data;
      changes.push({ afterMs: after(timestampMs), status, attempt, late });
    }
    const last = changes.at(-1);
    if (ENDED_BY_THE_CLOCK_OR_A_CANCEL.includes(quote.status) && last?.status !== quote.status) {
      // The first cancel that could reach it: a retry may have come after an earlier one.
      const cancels = state.cancels.map(({ atMs }) => after(atMs)).filter((atMs) => atMs >= (last?.afterMs ?? 0));
      const cancelledAfterMs = cancels.length > 0 ? Math.min(...cancels) : (last?.afterMs ?? 0);
      const afterMs = quote.status === 'cancelled' ? cancelledAfterMs : after(Date.parse(quote.deadline_at) + 1_000);
      changes.push({ afterMs, status: quote.status, attempt: quote.attempt, late: false });
    }
    return changes;
  };
  const legs = shown.quotes.map((quote) => ({ quote, changes: changesOf(quote) }));
  const lastMs = Math.max(...legs.flatMap(({ changes }) => changes.map(({ afterMs }) => afterMs)));
  return {
    view: shown,
    partition: events[0]?.partition ?? 0,
    spanMs: Math.max(shown.status === 'in_progress' ? after(nowMs) : lastMs, lastMs, 1_000),
    deadlineAfterMs: after(Date.parse(shown.deadline_at)),
    legs,
    entries: events.map((logged) => ({
      afterMs: logged.timestampMs - acceptedAtMs,
      place: placeOf(logged),
      says: says(logged.event),
    })),
  };
};
