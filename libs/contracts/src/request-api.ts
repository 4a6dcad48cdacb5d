/** Bodies of core-app's HTTP API and frames of its stream (design §4, §5), shared with the page and with partners. */
import { type Static, Type } from '@sinclair/typebox';
import { InsurerId, Kopecks, Timestamp, Uuid } from './formats.ts';
import { Progress, Quote, RequestStatus } from './quote.ts';

export const API_PREFIX = '/api/osago';

/**
 * One fault of a body: `pointer` is a JSON Pointer to the member, to the missing one where one is missing. Or of a query:
 * it points to the parameter as if the query were an object.
 */
export const Fault = Type.Object({
  pointer: Type.String(),
  code: Type.String(),
  detail: Type.String(),
  /** What the words of `detail` are filled with: limits, the name of a format. */
  params: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))),
});
export type Fault = Static<typeof Fault>;

export const PostRequestReply = Type.Object(
  {
    request_id: Uuid,
    status: RequestStatus,
    accepted_at: Timestamp,
    deadline_at: Timestamp,
    panel: Type.Array(Type.Object({ insurer_id: InsurerId, name: Type.String() })),
    access_token: Type.String(),
    cursor: Type.String(),
    links: Type.Object({ self: Type.String(), stream: Type.String(), quotes: Type.String() }),
    /** With 200: the same was sent a moment ago and is in progress, this is its answer. */
    duplicate: Type.Optional(Type.Literal(true)),
    /** What looks like a mistake and need not be one; nothing was refused for it. */
    warnings: Type.Optional(Type.Array(Fault)),
  },
  { $id: 'PostRequestReply' },
);
export type PostRequestReply = Static<typeof PostRequestReply>;

/** One request of `GET /requests`. `counts` has the statuses that occur among its quotes. */
export const HistoryItem = Type.Object({
  request_id: Uuid,
  status: RequestStatus,
  accepted_at: Timestamp,
  deadline_at: Timestamp,
  progress: Progress,
  counts: Type.Record(Type.String(), Type.Integer()),
  /** The lowest total of its `quoted` ones; absent while there is none. */
  best_total_kopecks: Type.Optional(Kopecks),
  /** The cookie of a request lives three days, its owner's a year. */
  access_token: Type.String(),
  links: Type.Object({ self: Type.String(), stream: Type.String(), quotes: Type.String() }),
});
export type HistoryItem = Static<typeof HistoryItem>;

/** The answer of `GET /requests`, newest first. */
export const RequestHistory = Type.Object(
  {
    requests: Type.Array(HistoryItem),
    /** For `?cursor=`: the page after this one; absent on the last. Opaque. */
    next_cursor: Type.Optional(Type.String()),
  },
  { $id: 'RequestHistory' },
);
export type RequestHistory = Static<typeof RequestHistory>;

/** RFC 9457, `application/problem+json`. `errors` is there for a 400 only and lists every fault. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Fault)),
  },
  { $id: 'Problem' },
);
export type Problem = Static<typeof Problem>;

/** `event: quote`. */
export const QuoteFrame = Type.Composite(
  [Quote, Type.Object({ progress: Progress, request_status: RequestStatus })],
  { $id: 'QuoteFrame' },
);
export type QuoteFrame = Static<typeof QuoteFrame>;

/** `event: done` and `event: timeout`. `counts` has the statuses that occur. */
export const EndFrame = Type.Object(
  {
    status: RequestStatus,
    counts: Type.Record(Type.String(), Type.Integer()),
    late_until: Timestamp,
  },
  { $id: 'EndFrame' },
);
export type EndFrame = Static<typeof EndFrame>;

/** `event: heartbeat`: visible to the page, which counts down by it. */
export const HeartbeatFrame = Type.Object(
  { now: Timestamp, feed: Type.Optional(Type.Literal('stale')) },
  { $id: 'HeartbeatFrame' },
);
export type HeartbeatFrame = Static<typeof HeartbeatFrame>;
