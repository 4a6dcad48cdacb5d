/** The requests of a window, each as it is shown now. */
import { QUOTE_STATUSES, REQUEST_STATUSES, TOPICS } from '@osago/contracts';
import type { EventBus, Lane } from '@osago/event-bus';
import { countsOf, fold, isVisible, type RequestState, view, type View } from '@osago/quotes';
import type { OffsetSpan, Status } from './argument-checks.ts';
import type { Filters } from './arguments.ts';
import { decodeRecord, type LoggedEvent } from './logged-event.ts';
import { CLOCKS_DIFFER_MS, readLanes, type Reading, type Window } from './reading.ts';
import { type TimeSlice, timeSlices } from './time-slices.ts';

export interface ListDeps extends Reading {
  readonly bus: EventBus;
  readonly nowMs: number;
}

export interface ListedRequest {
  readonly partition: number;
  /** Of its submitted record. */
  readonly offset: bigint;
  readonly view: View;
}

export interface ListOptions extends Window, Filters {
  readonly partition?: number | undefined;
  readonly offsets?: OffsetSpan | undefined;
  /** Records that are read before requests are let go; tests make it small. */
  readonly sliceRecords?: number;
}

/** As long as pods keep a request for its readers: deadline, late window, ten minutes. What comes later is left to `show`. */
const LEGS_AFTER_MS = 15 * 60_000;
/** Of all partitions. Memory is what one of them has in a slice, and in the time that legs come after. */
const SLICE_RECORDS = 500_000;

const hasStatus = ({ status, quotes }: View, insurer: string | undefined, wanted: Status): boolean => {
  const isOfQuote = (QUOTE_STATUSES as readonly string[]).includes(wanted);
  const isOfRequest = (REQUEST_STATUSES as readonly string[]).includes(wanted);
  if (insurer === undefined && isOfRequest) return status === wanted;
  const quote = isOfQuote && quotes.some((each) => each.status === wanted && (insurer ?? each.insurer_id) === each.insurer_id);
  return quote || (isOfRequest && !isOfQuote && status === wanted);
};

/** With an insurer, a status that quotes and requests share is that of its quote. */
export const isWanted = (shown: View, { insurer, status }: Filters): boolean =>
  (insurer === undefined || shown.quotes.some((quote) => quote.insurer_id === insurer)) &&
  (status === undefined || hasStatus(shown, insurer, status));

interface Gathered {
  state: RequestState | undefined;
  submittedOffset: bigint | undefined;
  acceptedAtMs: number;
  /** When the broker wrote what came last of it. */
  newestMs: number;
}

/** The requests that were accepted in the window. They are handed over as soon as their partition is read. */
export const listRequests = async (
  deps: ListDeps,
  options: ListOptions,
  onRequest: (request: ListedRequest) => void,
): Promise<void> => {
  const { bus, nowMs } = deps;
  const { partition, offsets, sliceRecords: recordsMax = SLICE_RECORDS } = options;
  const window = offsets === undefined ? options : await windowOfOffsets(deps, partition ?? 0, offsets);
  const toMs = window.toMs === undefined ? undefined : window.toMs + LEGS_AFTER_MS;
  const fromMs = Math.max(window.fromMs - CLOCKS_DIFFER_MS, 0);
  const slices = await timeSlices(bus, { fromMs, toMs }, { nowMs, recordsMax, partition });
  const isInside = ({ submittedOffset, acceptedAtMs }: Gathered): boolean => {
    if (submittedOffset === undefined) return false;
    if (offsets !== undefined) return submittedOffset >= offsets.from && submittedOffset < offsets.to;
    return acceptedAtMs >= window.fromMs && acceptedAtMs < (window.toMs ?? Infinity);
  };
  // A partition to its end, then the next one: what is held over from slice to slice is of one partition only.
  const laneOf = ({ lanes, readUntilMs }: TimeSlice) =>
    lanes.map((lane) => ({ lane, of: lane[0]?.partition ?? 0, settledBeforeMs: readUntilMs - LEGS_AFTER_MS }));
  const lanes = slices.flatMap(laneOf).sort((a, b) => a.of - b.of);
  const held = new Map<string, Gathered>();
  const handOver = (of: number, settledBeforeMs: number): void => {
    const settled = [...held].filter(([, { newestMs }]) => newestMs < settledBeforeMs);
    for (const [requestId] of settled) held.delete(requestId);
    const inside = settled.map(([, request]) => request).filter(isInside);
    for (const { state, submittedOffset } of inside.sort((a, b) => a.acceptedAtMs - b.acceptedAtMs)) {
      if (!isVisible(state)) continue;
      const listed = { partition: of, offset: submittedOffset ?? 0n, view: view(state, nowMs) };
      if (isWanted(listed.view, options)) onRequest(listed);
    }
  };
  await readLanes(deps, lanes.map(({ lane }) => lane), {
    onRecords: (records) => {
      for (const record of records) {
        const decoded = decodeRecord(record);
        if (decoded.ok) gather(held, decoded.logged);
      }
    },
    onLaneEnd: (at) => {
      const { of, settledBeforeMs } = lanes[at] ?? { of: 0, settledBeforeMs: 0 };
      handOver(of, lanes[at + 1]?.of === of ? settledBeforeMs : Infinity);
    },
  });
};

const gather = (requests: Map<string, Gathered>, { event, offset, timestampMs }: LoggedEvent): void => {
  const { request_id } = event.data;
  const known = requests.get(request_id) ?? { state: undefined, submittedOffset: undefined, acceptedAtMs: 0, newestMs: 0 };
  known.state = fold(known.state, event, Number(offset));
  known.newestMs = Math.max(known.newestMs, timestampMs);
  if (event.type === 'osago.request.submitted.v1' && known.submittedOffset === undefined) {
    known.submittedOffset = offset;
    known.acceptedAtMs = Date.parse(event.data.accepted_at);
  }
  requests.set(request_id, known);
};

/** The time that a span of offsets of the requests topic takes: legs are found by time. */
const windowOfOffsets = async (
  { bus, ...reading }: ListDeps,
  partition: number,
  { from, to }: OffsetSpan,
): Promise<Window> => {
  const topic = TOPICS.requests;
  const [starts, ends] = await Promise.all([bus.startOffsets(topic), bus.endOffsets(topic)]);
  const start = starts[partition] ?? 0n;
  const end = ends[partition] ?? 0n;
  const range = { topic, partition, from: from > start ? from : start, to: to < end ? to : end };
  const lanes: Lane[] = range.from < range.to ? [[range]] : [];
  let [firstMs, lastMs] = [Infinity, 0];
  await readLanes(reading, lanes, {
    onRecords: (records) => {
      for (const { timestampMs } of records) {
        firstMs = Math.min(firstMs, timestampMs);
        lastMs = Math.max(lastMs, timestampMs);
      }
    },
  });
  return lastMs === 0 ? { fromMs: 1, toMs: 2 } : { fromMs: firstMs, toMs: lastMs + 1 };
};

export const listLine = ({ partition, offset, view: shown }: ListedRequest): string => {
  const counts = Object.entries(countsOf(shown.quotes)).map(([status, count]) => `${count} ${status}`);
  return `${shown.accepted_at}  ${shown.request_id}  ${shown.status.padEnd(11)}  ${partition}@${offset}  ${counts.join(', ')}`;
};
