/** A request as the stream showed it at a moment: the same fold and the same view, over what was on the log by then. */
import { isVisible, view, type View } from '@osago/quotes';
import { foldAll, type LoggedEvent } from './logged-event.ts';

export type ShownAt =
  | { readonly kind: 'shown'; readonly view: View }
  /** Nothing of the request was on the log, or only events of its legs. */
  | { readonly kind: 'not-shown' };

export const requestAt = (events: readonly LoggedEvent[], atMs: number): ShownAt => {
  const state = foldAll(events.filter(({ timestampMs }) => timestampMs <= atMs));
  return isVisible(state) ? { kind: 'shown', view: view(state, atMs) } : { kind: 'not-shown' };
};
