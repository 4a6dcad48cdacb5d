/** Charts as inline SVG, drawn from numbers; no script. */
import { colourOf, COLOURS, escapeHtml } from './html-page.ts';

const WIDTH = 960;
const LEFT = 130;
const ROW = 24;
const AXIS = 24;

const svg = (height: number, label: string, parts: readonly string[]): string =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg>`;

const nothing = '<p>Nothing in this window.</p>';
const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x}" y="${y}" ${more}>${escapeHtml(content)}</text>`;
const title = (content: string): string => `<title>${escapeHtml(content)}</title>`;

/** A round number at or above, for the end of an axis. */
const roundUp = (value: number): number => {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
};

const TICKS = 5;
const grid = (max: number, height: number, label: (value: number) => string): string[] =>
  Array.from({ length: TICKS + 1 }, (_, at) => {
    const x = LEFT + (at / TICKS) * (WIDTH - LEFT - 40);
    return (
      `<line x1="${x}" x2="${x}" y1="${AXIS - 6}" y2="${height}" stroke="${COLOURS['line']}"/>` +
      text(x, 14, label((at / TICKS) * max), 'class="pale" text-anchor="middle"')
    );
  });

export interface Spread {
  readonly name: string;
  readonly count: number;
  readonly p5: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
}

/** Room for `25.32 s`. */
const NUMBER_WIDTH = 46;

/** A line from p5 to p95, a box around the middle half, a mark at the median; the median in numbers at the end. */
export const spreadChart = (rows: readonly Spread[], unit: string): string => {
  if (rows.length === 0) return nothing;
  const height = AXIS + rows.length * ROW;
  const max = roundUp(Math.max(...rows.map(({ p95 }) => p95)));
  const x = (value: number): number => LEFT + (value / max) * (WIDTH - LEFT - 40);
  const parts = rows.map(({ name, count, p5, p25, p50, p75, p95 }, at) => {
    const y = AXIS + at * ROW + ROW / 2;
    const said = `${name}: half of ${count} within ${p50} ${unit}, 95 % within ${p95} ${unit}`;
    return (
      `<g>${title(said)}${text(0, y + 4, name)}` +
      `<line x1="${x(p5)}" x2="${x(p95)}" y1="${y}" y2="${y}" stroke="${COLOURS['pale']}"/>` +
      `<rect x="${x(p25)}" y="${y - 7}" width="${Math.max(x(p75) - x(p25), 2)}" height="14"` +
      ` fill="${colourOf('estimated')}" rx="2"/>` +
      `<line x1="${x(p50)}" x2="${x(p50)}" y1="${y - 8}" y2="${y + 8}" stroke="${COLOURS['ink']}" stroke-width="2"/>` +
      `${text(Math.min(x(p95) + 6, WIDTH - NUMBER_WIDTH), y + 4, `${p50} ${unit}`, 'class="pale"')}</g>`
    );
  });
  return svg(height, 'spread', [...grid(max, height, (value) => `${value} ${unit}`), ...parts]);
};

export interface Share {
  readonly name: string;
  readonly status: string;
  readonly count: number;
}

export const shareChart = (shares: readonly Share[], order: readonly string[]): string => {
  const byName = [...Map.groupBy(shares, ({ name }) => name)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (byName.length === 0) return nothing;
  const height = AXIS + byName.length * ROW;
  const parts = byName.map(([name, own], at) => {
    const total = own.reduce((sum, { count }) => sum + count, 0);
    const y = AXIS + at * ROW + 4;
    let x = LEFT;
    const blocks = order.flatMap((status) => {
      const count = own.find((share) => share.status === status)?.count ?? 0;
      if (count === 0) return [];
      const width = (count / total) * (WIDTH - LEFT - 40);
      const said = title(`${name} ${status}: ${count} of ${total}`);
      const block = `<rect x="${x}" y="${y}" width="${width}" height="16" fill="${colourOf(status)}">${said}</rect>`;
      x += width;
      return [block];
    });
    return text(0, y + 12, name) + blocks.join('');
  });
  return svg(height, 'shares', [...grid(100, height, (value) => `${value} %`), ...parts]);
};

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export const histogram = (bins: readonly Bin[], label: (value: number) => string): string => {
  if (bins.length === 0) return nothing;
  const height = 220;
  const bottom = height - 24;
  const max = Math.max(...bins.map(({ count }) => count));
  const width = (WIDTH - 20) / bins.length;
  const parts = bins.map(({ from, to, count }, at) => {
    const tall = (count / max) * (bottom - 20);
    const x = 10 + at * width;
    const tick = at % 4 === 0 ? text(x, height - 6, label(from), 'class="pale"') : '';
    const place = `x="${x}" y="${bottom - tall}" width="${width - 2}" height="${tall}"`;
    const said = title(`${label(from)} to ${label(to)}: ${count}`);
    const above = `class="pale" text-anchor="middle"`;
    const number = count > 0 ? text(x + width / 2, bottom - tall - 4, count.toLocaleString('en-US'), above) : '';
    return `<rect ${place} fill="${colourOf('quoted')}">${said}</rect>${number}${tick}`;
  });
  const base = `<line x1="0" x2="${WIDTH}" y1="${bottom}" y2="${bottom}" stroke="${COLOURS['line']}"/>`;
  return svg(height, 'distribution', [base, ...parts]);
};

export interface HeatCell {
  readonly name: string;
  readonly hour: string;
  /** From 0 to 1. */
  readonly share: number;
  readonly count: number;
}

/** Of a cell that has room for its number. */
const PERCENT_WIDTH = 40;
/** So much of the red is too dark for black. */
const WHITE_ON = 0.7;

export const heatMap = (cells: readonly HeatCell[]): string => {
  if (cells.length === 0) return nothing;
  const names = [...new Set(cells.map(({ name }) => name))].sort();
  const hours = [...new Set(cells.map(({ hour }) => hour))].sort();
  const height = AXIS + names.length * ROW;
  const width = Math.min((WIDTH - LEFT) / hours.length, 80);
  const every = Math.ceil(60 / width);
  const hasRoom = width >= PERCENT_WIDTH;
  const ticks = hours.flatMap((hour, at) =>
    at % every === 0 ? [text(LEFT + at * width, 14, hour.slice(5), 'class="pale"')] : [],
  );
  const parts = cells.map(({ name, hour, share, count }) => {
    const x = LEFT + hours.indexOf(hour) * width;
    const y = AXIS + names.indexOf(name) * ROW;
    const fill = `fill="${colourOf('error')}" fill-opacity="${(0.06 + 0.94 * share).toFixed(2)}"`;
    const said = title(`${hour} ${name}: ${Math.round(share * 100)} % of ${count} without an answer`);
    const percent = `${Math.round(share * 100)} %`;
    const colour = share > WHITE_ON ? 'style="fill:#fff"' : '';
    const number = hasRoom ? text(x + (width - 2) / 2, y + 15, percent, `${colour} text-anchor="middle"`) : '';
    return `<rect x="${x}" y="${y}" width="${width - 2}" height="${ROW - 2}" ${fill}>${said}</rect>${number}`;
  });
  const labels = names.map((name, at) => text(0, AXIS + at * ROW + 16, name));
  return svg(height, 'heat map', [...ticks, ...labels, ...parts]);
};
