/**
 * Keeps the view of one request up to date until nothing more can come, with as few connections as the tabs of this
 * browser need together. The parts: `quote-line.ts` is this tab's own way to the server, `tab-circle.ts` the agreement
 * with the other tabs, `quote-record.ts` what is known.
 */
import { QuoteLine } from './quote-line.ts';
import { QuoteRecord, type Restart } from './quote-record.ts';
import { CONNECTING, type QuoteView } from './quote-view.ts';
import type { StreamTarget } from './quotes-call.ts';
import { type StreamBrowser, thisBrowser } from './stream-browser.ts';
import { TabCircle } from './tab-circle.ts';

export interface QuoteStreamHandle {
  /** To be called with the reply to a retry: the request goes on, in every tab that shows it. */
  restart(reply: Restart): void;
  /** Ends everything; `onView` is not called any more. */
  close(): void;
}

/** Calls `onView` with each new view. `browser` is replaced in tests. */
export const openQuoteStream = (
  target: StreamTarget,
  onView: (view: QuoteView) => void,
  browser: StreamBrowser = thisBrowser,
): QuoteStreamHandle => {
  let shown: QuoteView = CONNECTING;
  let isClosed = false;
  const show = (): void => {
    if (isClosed || record.view === shown) return;
    shown = record.view;
    onView(shown);
  };
  const record: QuoteRecord = new QuoteRecord(() => {
    circle.onNews();
    show();
  });
  const line: QuoteLine = new QuoteLine({
    browser,
    target,
    record,
    takeSlot: () => circle.takeSlot(),
    onOver: () => circle.rest(),
  });
  const circle: TabCircle = new TabCircle({ browser, target, record, line, onAdopted: show });
  const unlisten = browser.listen((event) => {
    switch (event) {
      case 'hide':
        return circle.leave();
      case 'show':
        return circle.join({ isBack: true });
      case 'wake':
        return circle.wake();
    }
  });
  circle.join();
  return {
    restart: ({ cursor, revision }) => circle.restart({ cursor, revision }),
    close: () => {
      isClosed = true;
      unlisten();
      circle.leave();
    },
  };
};
