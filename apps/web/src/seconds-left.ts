/** The countdown. It goes by the server's clock, because clocks of people's machines are minutes off. */
import type { QuoteView, QuoteViewBody } from '@osago/quote-stream';

/** Until the last insurer may answer; one that was asked again has a deadline of its own. */
export const secondsLeft = ({ body, clockOffsetMs }: QuoteView, nowMs: number): number => {
  if (body === undefined) return 0;
  const leftMs = lastDeadlineAtMs(body) - (nowMs + clockOffsetMs);
  return Math.max(Math.ceil(leftMs / 1_000), 0);
};

const lastDeadlineAtMs = ({ deadline_at, quotes }: QuoteViewBody): number =>
  Math.max(
    Date.parse(deadline_at),
    ...quotes.filter(({ final }) => !final).map((quote) => Date.parse(quote.deadline_at)),
  );
