/** Moments as an analyst types them: `2026-11-21T09:00:00Z`, `2026-11-21` (UTC), `now`, or how long ago: `90s`, `15m`. */
const AGO = /^(\d{1,6})(s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const RFC3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

export const MOMENT_SHAPE = 'a moment such as 2026-11-21T09:00:00Z, 2026-11-21, now, or 15m (ago; s, m, h, d)';

/** Undefined for what is no moment. */
export const parseMoment = (text: string, nowMs: number): number | undefined => {
  if (text === 'now') return nowMs;
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
  const ms = RFC3339.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
};
