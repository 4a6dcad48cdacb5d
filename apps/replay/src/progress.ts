/** How far a long reading is: on a terminal one line that is rewritten, in a pipe nothing. */

export interface Progress {
  begin(total: number): void;
  advance(records: number): void;
  /** Makes room on the terminal: something is to be written there. */
  clear(): void;
  end(): void;
}

export interface ProgressTerminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const CLEAR_LINE = '\r\u001b[K';
/** Often enough for the eye. */
const REDRAW_MS = 200;
/** Shorter readings end before anybody could read the line. */
const QUIET_MS = 400;
const BAR_WIDTH = 24;

export const NO_PROGRESS: Progress = { begin: () => undefined, advance: () => undefined, clear: () => undefined, end: () => undefined };

export const progressLine = (done: number, total: number, elapsedMs: number): string => {
  const share = total === 0 ? 1 : Math.min(done / total, 1);
  const filled = Math.round(share * BAR_WIDTH);
  const rate = elapsedMs > 0 ? done / (elapsedMs / 1_000) : 0;
  const left = rate > 0 ? `${Math.ceil(Math.max(total - done, 0) / rate)} s left` : 'starting';
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  return `${bar} ${Math.floor(share * 100)} %  ${count(done)} of ${count(total)}  ${count(rate)}/s  ${left}`;
};

export const createProgress = (out: ProgressTerminal, nowMs: () => number): Progress => {
  if (out.isTTY !== true) return NO_PROGRESS;
  let total = 0;
  let done = 0;
  let startedAtMs = 0;
  let drawnAtMs = 0;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) out.write(CLEAR_LINE);
    isDrawn = false;
  };
  return {
    begin: (records) => {
      total = records;
      done = 0;
      startedAtMs = nowMs();
      drawnAtMs = startedAtMs + QUIET_MS - REDRAW_MS;
    },
    advance: (records) => {
      done += records;
      const now = nowMs();
      if (now - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = now;
      isDrawn = true;
      out.write(CLEAR_LINE + progressLine(done, total, now - startedAtMs));
    },
    clear,
    end: clear,
  };
};
