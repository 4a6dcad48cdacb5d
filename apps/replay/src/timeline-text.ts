/** A timeline as a picture in the terminal: a bar for each insurer, its outcome at the end, every record below. */
import type { Quote, QuoteStatus } from '@osago/contracts';
import type { Timeline, TimelineLeg } from './timeline.ts';

const BAR_WIDTH = 56;
/** What a bar is drawn with, and the mark where an outcome stands. Each is one column wide. */
const DRAWN: Readonly<Record<QuoteStatus, string>> = {
  waiting: '·',
  submitted: '─',
  estimated: '═',
  quoted: '●',
  declined: '○',
  needs_data: '?',
  error: '✗',
  timeout: '◷',
  skipped: '»',
  cancelled: '⊘',
};
const DEADLINE = '┊';
const LEGEND = Object.entries(DRAWN)
  .map(([status, mark]) => `${mark} ${status}`)
  .join('  ');

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;

export const rubles = (kopecks: number): string =>
  `${(kopecks / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })} ₽`;

export const outcomeText = (quote: Quote): string => {
  const price = quote.total_kopecks ?? quote.premium_kopecks;
  return [
    quote.status,
    quote.late && 'late',
    quote.attempt > 1 && `attempt ${quote.attempt}`,
    price !== undefined && rubles(price),
    quote.reason?.code,
    quote.missing_fields?.join(' '),
  ]
    .filter(Boolean)
    .join('  ');
};

const bar = ({ changes }: TimelineLeg, { spanMs, deadlineAfterMs }: Timeline): string => {
  const column = (afterMs: number): number => Math.min(Math.floor((afterMs / spanMs) * (BAR_WIDTH - 1)), BAR_WIDTH - 1);
  const cells = Array.from({ length: BAR_WIDTH }, () => ' ');
  if (deadlineAfterMs <= spanMs) cells[column(deadlineAfterMs)] = DEADLINE;
  changes.forEach(({ afterMs, status }, at) => {
    const isOpen = ['waiting', 'submitted', 'estimated'].includes(status);
    const until = isOpen ? (changes[at + 1]?.afterMs ?? spanMs) : afterMs;
    for (let cell = column(afterMs); cell <= column(until); cell += 1) cells[cell] = DRAWN[status];
  });
  return cells.join('');
};

const axis = ({ spanMs }: Timeline): string => {
  const ticks = [0, 0.25, 0.5, 0.75].map((share) => seconds(share * spanMs).padEnd(BAR_WIDTH / 4));
  return ticks.join('') + seconds(spanMs);
};

export const timelineText = (timeline: Timeline): string => {
  const { view, partition, legs, entries } = timeline;
  const width = Math.max(...legs.map(({ quote }) => quote.insurer_id.length), 8);
  const where = `revision ${view.revision}, partition ${partition}`;
  const placeWidth = Math.max(...entries.map(({ place }) => place.length));
  const { answered, total } = view.progress;
  return [
    `request ${view.request_id}   ${view.status}, ${answered} of ${total} answered   ${where}`,
    `accepted ${view.accepted_at}   deadline ${view.deadline_at}`,
    '',
    `${' '.repeat(width)}  ${axis(timeline)}`,
    ...legs.map((leg) => `${leg.quote.insurer_id.padEnd(width)}  ${bar(leg, timeline)}  ${outcomeText(leg.quote)}`),
    '',
    LEGEND,
    '',
    ...entries.map(({ afterMs, place, says }) => `${seconds(afterMs).padStart(9)}  ${place.padEnd(placeWidth)}  ${says}`),
    '',
  ].join('\n');
};
