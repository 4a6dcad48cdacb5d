/** A request of two insurers, for tests. */
import type { Quote, QuoteFrame, QuotesBody } from '@osago/contracts';

export const REQUEST_ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
export const ACCEPTED_AT = '2026-11-21T09:00:00.000Z';
const DEADLINE_AT = '2026-11-21T09:01:00.000Z';
export const LATE_UNTIL = '2026-11-21T09:03:00.000Z';

export const quoteOf = (insurerId: string, members: Partial<Quote> = {}): Quote => ({
  insurer_id: insurerId,
  name: insurerId.toUpperCase(),
  status: 'waiting',
  final: false,
  late: false,
  attempt: 1,
  deadline_at: DEADLINE_AT,
  ...members,
});

export const QUOTED = quoteOf('alfa', { status: 'quoted', final: true, premium_kopecks: 543_210 });
export const TIMED_OUT = quoteOf('beta', { status: 'timeout', final: true });

export const bodyOf = (quotes: Quote[], members: Partial<QuotesBody> = {}): QuotesBody => {
  const answered = quotes.filter(({ final }) => final).length;
  return {
    request_id: REQUEST_ID,
    revision: 1,
    status: 'in_progress',
    accepted_at: ACCEPTED_AT,
    deadline_at: DEADLINE_AT,
    late_until: LATE_UNTIL,
    progress: { total: quotes.length, answered, waiting: quotes.length - answered },
    quotes,
    cursor: 'c1',
    ...members,
  };
};

export const WAITING_BODY = bodyOf([quoteOf('alfa'), quoteOf('beta')]);

export const QUOTED_FRAME: QuoteFrame = {
  ...QUOTED,
  progress: { total: 2, answered: 1, waiting: 1 },
  request_status: 'in_progress',
};
