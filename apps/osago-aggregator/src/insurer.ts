/** The port to insurers. Every failure is a value: a call never rejects. */
import type { Application } from '@osago/contracts';
import type { InsurerReply } from '@osago/quotes';

export interface PostCall {
  request_id: string;
  /** The same for every try of one attempt, so that a repeat is no second application. */
  idempotencyKey: string;
  application: Application;
}

export interface CallOptions {
  /** Aborts when the answer is of no use any more; what the call resolves to is then ignored. */
  signal: AbortSignal;
  /** The call is not worth starting later than this. */
  startByMs: number;
  /** A poll after the deadline: it comes after all others, and has a tenth of the rate. */
  isLate?: boolean;
}

export interface Insurer {
  post(call: PostCall, options: CallOptions): Promise<InsurerReply>;
  poll(applicationId: string, options: CallOptions): Promise<InsurerReply>;
}
