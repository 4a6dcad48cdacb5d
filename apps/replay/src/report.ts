/** The report: what happened in a window as one page, for people who would rather look than read. */
import type { QuoteStatus } from '@osago/contracts';
import type { Answer, Duck } from './duck.ts';
import { escapeHtml, htmlPage, legend } from './html-page.ts';
import { type Bin, heatMap, histogram, shareChart, spreadChart } from './report-charts.ts';

/** Best outcomes on the left. */
const ORDER: readonly QuoteStatus[] = [
  ...(['quoted', 'needs_data', 'declined', 'skipped', 'error', 'timeout', 'cancelled'] as const),
  ...(['estimated', 'submitted', 'waiting'] as const),
];
const BINS = 24;
const BIN_STEPS_RUBLES = [50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000];
/** An hour of an insurer is an incident when so much of at least so many legs went unanswered. */
const INCIDENT = { share: 0.5, legs: 5 };

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
const INCIDENT_HEAD =
  '<tr><th>hour</th><th>insurer</th><th class="number">unanswered</th><th class="number">legs</th></tr>';
const SPREADS = `
  SELECT insurer_id, count(*), ${QUANTILES.map((share) => `round(quantile_cont(answered_s, ${share}), 2)`).join(', ')}
  FROM shown_legs WHERE status = 'quoted' AND attempt = 1 GROUP BY insurer_id ORDER BY 5, 1`;
const SHARES = 'SELECT insurer_id, status, count(*) FROM shown_legs GROUP BY insurer_id, status';
const PRICES = `SELECT coalesce(total_kopecks, premium_kopecks) / 100 FROM shown_legs WHERE status = 'quoted' ORDER BY 1`;
const HOURS = `
  SELECT insurer_id, strftime(date_trunc('hour', accepted_at), '%Y-%m-%d %H:00'),
         count_if(status IN ('timeout', 'error', 'skipped')) / count(*), count(*)
  FROM shown_legs GROUP BY 1, 2 ORDER BY 2, 1`;
const FIGURES = `
  SELECT count(*), count_if(quoted > 0), round(median(first_quote_s), 2), round(quantile_cont(first_quote_s, 0.95), 2),
         round(avg(quoted), 1), round(median(best_total_kopecks) / 100)
  FROM shown_requests`;

const numberAt = (row: Answer['rows'][number] | undefined, at: number): number => Number(row?.[at] ?? 0);
const textAt = (row: Answer['rows'][number], at: number): string => String(row[at] ?? '');
const count = (value: number): string => value.toLocaleString('en-US');

export const binsOf = (sorted: readonly number[]): Bin[] => {
  const [first] = sorted;
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return [];
  const step = BIN_STEPS_RUBLES.find((candidate) => (last - first) / candidate < BINS) ?? Math.ceil((last - first) / BINS);
  const from = Math.floor(first / step) * step;
  const bins = Array.from({ length: Math.floor((last - from) / step) + 1 }, (_, at) => ({
    from: from + at * step,
    to: from + (at + 1) * step,
    count: 0,
  }));
  for (const price of sorted) {
    const bin = bins[Math.floor((price - from) / step)];
    if (bin !== undefined) bin.count += 1;
  }
  return bins;
};

const figure = (value: string, says: string): string => `<div><b>${escapeHtml(value)}</b>${escapeHtml(says)}</div>`;

/** `shown_legs` and `shown_requests` are made once: every chart asks them. */
export const reportHtml = async (duck: Duck, window: { fromMs: number; toMs: number }): Promise<string> => {
  await duck.run('CREATE TABLE shown_legs AS SELECT * FROM legs');
  await duck.run('CREATE TABLE shown_requests AS SELECT * FROM requests');
  const ask = async (question: string): Promise<Answer['rows']> => (await duck.ask(question)).rows;
  const [figures] = await ask(FIGURES);
  const spreads = (await ask(SPREADS)).map((row) => ({
    name: textAt(row, 0),
    count: numberAt(row, 1),
    ...{ p5: numberAt(row, 2), p25: numberAt(row, 3), p50: numberAt(row, 4), p75: numberAt(row, 5), p95: numberAt(row, 6) },
  }));
  const shares = (await ask(SHARES)).map((row) => ({ name: textAt(row, 0), status: textAt(row, 1), count: numberAt(row, 2) }));
  const hours = (await ask(HOURS)).map((row) => ({
    name: textAt(row, 0),
    hour: textAt(row, 1),
    share: numberAt(row, 2),
    count: numberAt(row, 3),
  }));
  const prices = (await ask(PRICES)).map((row) => numberAt(row, 0));
  const incidents = hours.filter((cell) => cell.share >= INCIDENT.share && cell.count >= INCIDENT.legs);
  const requests = numberAt(figures, 0);
  const withQuote = requests === 0 ? 0 : (100 * numberAt(figures, 1)) / requests;
  const statuses = ORDER.filter((status) => shares.some((share) => share.status === status));
  const stamp = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
  const incidentRows = incidents.map(
    ({ hour, name, share, count: legs }) =>
      `<tr><td>${escapeHtml(hour)}</td><td>${escapeHtml(name)}</td>` +
      `<td class="number">${Math.round(share * 100)} %</td><td class="number">${count(legs)}</td></tr>`,
  );
  return htmlPage(
    'OSAGO quotes',
    [
      '<h1>OSAGO quotes</h1>',
      `<p>Requests from ${stamp(window.fromMs)} to ${stamp(window.toMs)} UTC</p>`,
      '<div class="figures">',
      figure(count(requests), 'requests'),
      figure(`${withQuote.toFixed(1)} %`, 'with a quote'),
      figure(`${numberAt(figures, 2)} s`, 'to the first quote, median'),
      figure(`${numberAt(figures, 3)} s`, 'to the first quote, 95 %'),
      figure(String(numberAt(figures, 4)), 'quotes a request'),
      figure(`${count(numberAt(figures, 5))} ₽`, 'best price, median'),
      '</div>',
      '<h2>Time to quote</h2><p>Box: the middle half. Line: 5 to 95 %. Mark and number: the median.</p>',
      spreadChart(spreads, 's'),
      '<h2>Outcomes</h2>',
      shareChart(shares, ORDER),
      legend(statuses),
      '<h2>Prices</h2><p>How many quotes cost how much, with their mandatory extras.</p>',
      histogram(binsOf(prices), (rubles) => `${count(rubles)} ₽`),
      '<h2>Hours</h2><p>The darker, the more legs ended without an answer: timeout, error or skipped.</p>',
      heatMap(hours),
      '<h2>Incidents</h2>',
      incidentRows.length === 0
        ? `<p>No hour in which an insurer left half of its legs unanswered.</p>`
        : `<table>${INCIDENT_HEAD}${incidentRows.join('')}</table>`,
    ].join('\n'),
  );
};
