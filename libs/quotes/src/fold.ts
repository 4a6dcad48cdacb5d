/**
 * The showcase of one request: facts of the log, nothing else. Folding is idempotent and independent of the order in
 * which the three topics are read, so all pods that hold the same records hold the same state.
 */
import {
  isLegEvent,
  type CommandEvent,
  type LegEvent,
  type OsagoEvent,
  type PanelMember,
  type Quote,
  REQUEST_TOPICS,
  type RequestTopic,
  topicOf,
} from '@osago/contracts';
import { compareLegs, type LegOrder, legOrderOf } from './leg-order.ts';

/** The last offsets of one request in the three topics, in the order of REQUEST_TOPICS; -1: none seen. */
export type Offsets = readonly [requests: number, quotes: number, errors: number];
export const NO_OFFSETS: Offsets = [-1, -1, -1];

/** What the submitted event says, without what the showcase has no use for. */
export interface Submission {
  accepted_at: string;
  deadline_at: string;
  panel: readonly PanelMember[];
}

export interface Cancel {
  revision: number;
  atMs: number;
}

export interface Retry {
  attempt: number;
  revision: number;
  deadline_at: string;
}

/** What counts of a leg: what its effective event says to a person, and where that event stands. */
export interface HeldLeg extends LegOrder {
  readonly quote: Quote;
}

export interface RequestState {
  readonly request_id: string;
  /** Counts the commands seen; 0 while only leg events have come. */
  readonly revision: number;
  /** Absent while only leg events have come: nothing of the request is shown until then. */
  readonly submission?: Submission;
  /** By revision, rising. */
  readonly cancels: readonly Cancel[];
  /** The retry of the highest attempt, by insurer. */
  readonly retries: Readonly<Record<string, Retry>>;
  /** By insurer. */
  readonly legs: Readonly<Record<string, HeldLeg>>;
  readonly offsets: Offsets;
}

/** Of which nothing is known yet. */
export const unknownRequest = (requestId: string): RequestState => ({
  request_id: requestId,
  revision: 0,
  cancels: [],
  retries: {},
  legs: {},
  offsets: NO_OFFSETS,
});

const raised = (offsets: Offsets, topic: RequestTopic, offset: number): Offsets => {
  const at = REQUEST_TOPICS.indexOf(topic);
  if (offset <= (offsets[at] ?? -1)) return offsets;
  const raisedOffsets: [number, number, number] = [...offsets];
  raisedOffsets[at] = offset;
  return raisedOffsets;
};

/** The state of one who also knows that the log has these records of the request. */
export const withOffsets = (state: RequestState, offsets: Offsets): RequestState => {
  const both = REQUEST_TOPICS.reduce((held, topic, at) => raised(held, topic, offsets[at] ?? -1), state.offsets);
  return both === state.offsets ? state : { ...state, offsets: both };
};

/**
 * The envelope is left behind: what is kept of each event is what the collector has to carry. What is the platform's own is
 * undefined, not left out: to copy all members is ten times as fast as to copy all but three.
 */
const heldLeg = ({ id, data }: LegEvent): HeldLeg => {
  const { attempt, status, fence, step } = data;
  const quote = { ...data, request_id: undefined, fence: undefined, step: undefined };
  return { id, attempt, status, fence, step, quote };
};

const foldLeg = (state: RequestState, event: LegEvent, offsets: Offsets): RequestState => {
  const { insurer_id } = event.data;
  const held = state.legs[insurer_id];
  if (held !== undefined && compareLegs(legOrderOf(event), held) <= 0) {
    return offsets === state.offsets ? state : { ...state, offsets };
  }
  const legs: Record<string, HeldLeg> = { ...state.legs };
  legs[insurer_id] = heldLeg(event);
  return { ...state, legs, offsets };
};

const foldCommand = (state: RequestState, event: CommandEvent, offsets: Offsets): RequestState => {
  const revision = Math.max(state.revision, event.data.revision);
  switch (event.type) {
    case 'osago.request.submitted.v1': {
      const { accepted_at, deadline_at, panel } = event.data;
      return { ...state, revision, offsets, submission: { accepted_at, deadline_at, panel } };
    }
    case 'osago.request.cancelled.v1': {
      const cancel = { revision: event.data.revision, atMs: Date.parse(event.time) };
      const others = state.cancels.filter((held) => held.revision !== cancel.revision);
      const cancels = [...others, cancel].sort((a, b) => a.revision - b.revision);
      return { ...state, revision, offsets, cancels };
    }
    case 'osago.leg.retry-asked.v1': {
      const { insurer_id, attempt, deadline_at } = event.data;
      const held = state.retries[insurer_id];
      if (held !== undefined && held.attempt >= attempt) return { ...state, revision, offsets };
      const retry = { attempt, revision: event.data.revision, deadline_at };
      return { ...state, revision, offsets, retries: { ...state.retries, [insurer_id]: retry } };
    }
  }
};

/**
 * Adds one event to what is known of its request. `offset` is that of its record, left out for an event that was made
 * from a committed row and is still to come on the log.
 */
export const fold = (
  held: RequestState | undefined,
  event: OsagoEvent,
  offset?: number,
): RequestState => {
  const state = held ?? unknownRequest(event.data.request_id);
  const offsets = offset === undefined ? state.offsets : raised(state.offsets, topicOf(event.type), offset);
  return isLegEvent(event) ? foldLeg(state, event, offsets) : foldCommand(state, event, offsets);
};
