/** Days as `YYYY-MM-DD`, compared as text: so no time zone can shift them. Policies are dated by Moscow. */

const DAY_MS = 86_400_000;
/** UTC+3 all year. */
const MOSCOW_OFFSET_MS = 3 * 3_600_000;

export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** Full years from one day to another. */
export const fullYears = (from: string, to: string): number => {
  const years = Number(to.slice(0, 4)) - Number(from.slice(0, 4));
  return to.slice(5) < from.slice(5) ? years - 1 : years;
};

/** Months that were begun from one day to another, both included: 1 January to 1 February are two. */
export const begunMonths = (from: string, to: string): number => {
  const end = addDays(to, 1);
  const part = (date: string, at: number, length: number): number => Number(date.slice(at, at + length));
  const months = (part(end, 0, 4) - part(from, 0, 4)) * 12 + part(end, 5, 2) - part(from, 5, 2);
  return part(end, 8, 2) > part(from, 8, 2) ? months + 1 : months;
};

/** The same day of the next year; 28 February after the 29th. */
export const yearLater = (date: string): string => {
  const monthAndDay = date.slice(5) === '02-29' ? '02-28' : date.slice(5);
  return `${String(Number(date.slice(0, 4)) + 1).padStart(4, '0')}-${monthAndDay}`;
};

/** The calendar day in Moscow. */
export const moscowDate = (nowMs: number): string =>
  new Date(nowMs + MOSCOW_OFFSET_MS).toISOString().slice(0, 10);

/** When that day begins in Moscow. */
export const moscowMidnightMs = (date: string): number => Date.parse(`${date}T00:00:00Z`) - MOSCOW_OFFSET_MS;
