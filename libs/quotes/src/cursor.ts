/**
 * How far a reader of one request has seen (design §5). Made from the log, never from a pod's counter, so any pod can
 * resume any stream. Opaque to clients; a cursor that cannot be read, or is of another epoch or request, counts as none.
 */
import { type Offsets, NO_OFFSETS, type RequestState } from './fold.ts';

export interface Cursor {
  /** Changes when a topic or the cluster is another, so that offsets mean something else. Letters, digits and `-`. */
  epoch: string;
  request_id: string;
  partition: number;
  offsets: Offsets;
  revision: number;
  /** Only the id of `done` and `timeout` has it. */
  end: boolean;
}

const VERSION = '1';

/** ASCII without a line end, so that it fits an SSE `id`, a header and a query. */
export const encodeCursor = ({ epoch, request_id, partition, offsets, revision, end }: Cursor): string =>
  `${VERSION}_${epoch}_${request_id}_${partition}_${offsets[0]}_${offsets[1]}_${offsets[2]}_${revision}_${end ? 'e' : 'o'}`;

const WHOLE = /^-?\d{1,15}$/;

/** Undefined for what is no cursor of this version. */
export const decodeCursor = (text: string): Cursor | undefined => {
  const [version, epoch, request_id, ...rest] = text.split('_');
  if (version !== VERSION || !epoch || !request_id || rest.length !== 6) return undefined;
  const end = rest.pop();
  if ((end !== 'e' && end !== 'o') || !rest.every((part) => WHOLE.test(part))) return undefined;
  const [partition = 0, requests = 0, quotes = 0, errors = 0, revision = 0] = rest.map(Number);
  return { epoch, request_id, partition, offsets: [requests, quotes, errors], revision, end: end === 'e' };
};

/** The cursor of one who has seen all of `state`. */
export const cursorOf = (
  state: Pick<RequestState, 'request_id' | 'offsets' | 'revision'>,
  { epoch, partition }: Pick<Cursor, 'epoch' | 'partition'>,
  end = false,
): Cursor => ({
  epoch,
  request_id: state.request_id,
  partition,
  offsets: state.offsets,
  revision: state.revision,
  end,
});

/** True when `state` has every record that the cursor's reader has seen. */
export const hasSeen = (
  state: RequestState | undefined,
  cursor: Pick<Cursor, 'offsets' | 'revision'>,
): boolean => {
  const offsets = state?.offsets ?? NO_OFFSETS;
  return (
    (state?.revision ?? 0) >= cursor.revision &&
    cursor.offsets.every((offset, at) => (offsets[at] ?? -1) >= offset)
  );
};
