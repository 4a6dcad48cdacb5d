/** The requests of a window, each as it is shown now. */
import { QUOTE_STATUSES, REQUEST_STATUSES, TOPICS } from '@osago/contracts';
import type { EventBus } from '@osago/event-bus';
import { countsOf, fold, isVisible, type RequestState, view, type View } from '@osago/quotes';
import type { OffsetSpan, Status } from './argument-checks.ts';
import type { Filters } from './arguments.ts';
import { decodeRecord } from './logged-event.ts';
import { type Lane, lanesByPartition, type LogReader, type ReadHandlers, sizeOf, type Window } from './log-reader.ts';
import type { Progress } from './progress.ts';

export interface ListDeps {
  readonly bus: EventBus;
  readonly reader: LogReader;
  readonly progress: Progress;
  readonly signal: AbortSignal;
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
}

/** Events of legs come until the late window ends; later retries are left to `show`. */
const LEGS_AFTER_MS = 5 * 60_000;

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
  submittedAtMs: number;
}

/** Hands over requests as soon as their partition is read. */
export const listRequests = async (
  deps: ListDeps,
  options: ListOptions,
  onRequest: (request: ListedRequest) => void,
): Promise<void> => {
  const { bus, reader, progress, signal, nowMs } = deps;
  const { partition, offsets } = options;
  const window = offsets === undefined ? options : await windowOfOffsets(deps, partition ?? 0, offsets);
  const toMs = window.toMs === undefined ? undefined : window.toMs + LEGS_AFTER_MS;
  const lanes = await lanesByPartition(bus, { fromMs: window.fromMs, toMs }, partition);
  let requests = new Map<string, Gathered>();
  const isInside = ({ submittedOffset, submittedAtMs }: Gathered): boolean => {
    if (submittedOffset === undefined) return false;
    if (offsets !== undefined) return submittedOffset >= offsets.from && submittedOffset < offsets.to;
    return submittedAtMs < (window.toMs ?? Infinity);
  };
  progress.begin(sizeOf(lanes));
  await reader.read(
    lanes,
    {
      onRecords: (records) => {
        progress.advance(records.length);
        for (const record of records) {
          const decoded = decodeRecord(record);
          if (decoded.ok) gather(requests, decoded.logged);
        }
      },
      onLaneEnd: (lane) => {
        const ended = [...requests.values()].filter(isInside).sort((a, b) => a.submittedAtMs - b.submittedAtMs);
        requests = new Map();
        for (const { state, submittedOffset } of ended) {
          if (!isVisible(state)) continue;
          const shown = view(state, nowMs);
          const listed = { partition: lanes[lane]?.[0]?.partition ?? 0, offset: submittedOffset ?? 0n, view: shown };
          if (isWanted(shown, options)) onRequest(listed);
        }
      },
    },
    signal,
  );
  progress.end();
};

const gather = (
  requests: Map<string, Gathered>,
  { event, offset, timestampMs }: { event: Parameters<typeof fold>[1]; offset: bigint; timestampMs: number },
): void => {
  const { request_id } = event.data;
  const known = requests.get(request_id) ?? { state: undefined, submittedOffset: undefined, submittedAtMs: 0 };
  known.state = fold(known.state, event, Number(offset));
  if (event.type === 'osago.request.submitted.v1' && known.submittedOffset === undefined) {
    known.submittedOffset = offset;
    known.submittedAtMs = timestampMs;
  }
  requests.set(request_id, known);
};

/** The time that a span of offsets of the requests topic takes: legs are found by time. */
const windowOfOffsets = async (
  { bus, reader, signal }: ListDeps,
  partition: number,
  { from, to }: OffsetSpan,
): Promise<Window> => {
  const topic = TOPICS.requests;
  const [starts, ends] = await Promise.all([bus.startOffsets(topic), bus.endOffsets(topic)]);
  const start = starts[partition] ?? 0n;
  const end = ends[partition] ?? 0n;
  const range = { topic, partition, from: from > start ? from : start, to: to < end ? to : end };
  const lanes: Lane[] = range.from < range.to ? [[range]] : [];
  const times: number[] = [];
  const onRecords: ReadHandlers['onRecords'] = (records) => {
    for (const { timestampMs } of records) times.push(timestampMs);
  };
  await reader.read(lanes, { onRecords }, signal);
  return times.length === 0 ? { fromMs: 1, toMs: 2 } : { fromMs: Math.min(...times), toMs: Math.max(...times) + 1 };
};

export const listLine = ({ partition, offset, view: shown }: ListedRequest): string => {
  const counts = Object.entries(countsOf(shown.quotes)).map(([status, count]) => `${count} ${status}`);
  return `${shown.accepted_at}  ${shown.request_id}  ${shown.status.padEnd(11)}  ${partition}@${offset}  ${counts.join(', ')}`;
};
