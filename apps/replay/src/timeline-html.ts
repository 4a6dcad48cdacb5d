/** A timeline as a page of its own. */
import { isFinal } from '@osago/contracts';
import { colourOf, COLOURS, escapeHtml, htmlPage, legend } from './html-page.ts';
import type { Timeline, TimelineLeg } from './timeline.ts';
import { outcomeText, seconds } from './timeline-text.ts';

const WIDTH = 960;
const LEFT = 170;
const RIGHT = 250;
const ROW = 26;
const TOP = 28;
const TICKS = 6;

/** What fits on the left. */
const NAME_MAX = 24;
const shortName = (name: string): string => (name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name);

const rowOf = ({ quote, changes }: TimelineLeg, y: number, x: (ms: number) => number, spanMs: number): string => {
  const middle = y + ROW / 2;
  const parts = changes.map(({ afterMs, status, attempt }, at) => {
    const label = `<title>${escapeHtml(`${seconds(afterMs)} ${status}, attempt ${attempt}`)}</title>`;
    if (isFinal(status)) {
      return `<circle cx="${x(afterMs)}" cy="${middle}" r="6" fill="${colourOf(status)}">${label}</circle>`;
    }
    const until = changes[at + 1]?.afterMs ?? spanMs;
    const width = Math.max(x(until) - x(afterMs), 1);
    return `<rect x="${x(afterMs)}" y="${middle - 4}" width="${width}" height="8" fill="${colourOf(status)}">${label}</rect>`;
  });
  return [
    `<text x="0" y="${middle + 4}">${escapeHtml(shortName(quote.name))}</text>`,
    ...parts,
    `<text x="${WIDTH - RIGHT + 16}" y="${middle + 4}">${escapeHtml(outcomeText(quote))}</text>`,
  ].join('');
};

const picture = ({ legs, spanMs, deadlineAfterMs }: Timeline): string => {
  const height = TOP + legs.length * ROW + 8;
  const x = (ms: number): number => Math.round(LEFT + (Math.min(ms, spanMs) / spanMs) * (WIDTH - LEFT - RIGHT));
  const ticks = Array.from({ length: TICKS + 1 }, (_, at) => (at / TICKS) * spanMs).map(
    (ms) =>
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${TOP - 6}" y2="${height}" stroke="${COLOURS['line']}"/>` +
      `<text class="pale" x="${x(ms)}" y="14" text-anchor="middle">${seconds(ms)}</text>`,
  );
  const at = x(deadlineAfterMs);
  const deadline =
    deadlineAfterMs > spanMs
      ? ''
      : `<line x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${height}" stroke="${colourOf('timeout')}"` +
        ' stroke-dasharray="4 3"><title>deadline</title></line>';
  const rows = legs.map((leg, at) => rowOf(leg, TOP + at * ROW, x, spanMs));
  const drawn = [...ticks, deadline, ...rows].join('');
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="timeline">${drawn}</svg>`;
};

export const timelineHtml = (timeline: Timeline): string => {
  const { view, partition, legs, entries } = timeline;
  const statuses = [...new Set(legs.flatMap(({ changes }) => changes.map(({ status }) => status)))];
  const title = `Request ${view.request_id}`;
  const rows = entries.map(
    ({ afterMs, place, says }) =>
      `<tr><td class="number">${seconds(afterMs)}</td>` +
      `<td><code>${escapeHtml(place)}</code></td><td>${escapeHtml(says)}</td></tr>`,
  );
  return htmlPage(
    title,
    [
      `<h1>${escapeHtml(title)}</h1>`,
      `<p>${view.status}, ${view.progress.answered} of ${view.progress.total} answered`,
      ` · revision ${view.revision} · partition ${partition}</p>`,
      `<p>accepted ${view.accepted_at} · deadline ${view.deadline_at}</p>`,
      '<h2>Insurers</h2>',
      picture(timeline),
      legend(statuses),
      '<h2>Records</h2>',
      `<table><tr><th class="number">after</th><th>place</th><th>what</th></tr>${rows.join('')}</table>`,
    ].join('\n'),
  );
};
