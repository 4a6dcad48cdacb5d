export type { Restart } from './quote-record.ts';
export type * from './stream-browser.ts';
export { openQuoteStream, type QuoteStreamHandle } from './quote-stream.ts';
export { API_PREFIX, type StreamTarget } from './quotes-call.ts';
export { CONNECTING, hasEnded, mayAnswerLate, type QuoteView, type QuoteViewBody } from './quote-view.ts';
