/** An answer as a table for people, as CSV, or as one JSON object a line. */
import type { Answer, Cell } from './duck.ts';

const shown = (cell: Cell): string => (cell === null ? '' : String(cell));

export const answerTable = ({ columns, rows }: Answer): string => {
  const widths = columns.map((name, at) =>
    rows.reduce((width, row) => Math.max(width, shown(row[at] ?? null).length), name.length),
  );
  const isNumeric = columns.map((_, at) => rows.every((row) => row[at] === null || typeof row[at] === 'number'));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (isNumeric[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const body = rows.map((row) => line(row.map(shown)));
  return [line(columns), rule, ...body, `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`, ''].join('\n');
};

const csvCell = (cell: Cell): string => {
  const text = shown(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export const answerCsv = ({ columns, rows }: Answer): string =>
  [columns, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\n`).join('');

export const answerNdjson = ({ columns, rows }: Answer): string =>
  rows.map((row) => `${JSON.stringify(Object.fromEntries(columns.map((name, at) => [name, row[at]])))}\n`).join('');
