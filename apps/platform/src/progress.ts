/**
 * What the person at the terminal sees of the start: one line a finished step, with its seconds; on a real terminal
 * also what is going on now, on a last line that is rewritten.
 */
import type { Step } from '@osago/local-parts';

export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Progress {
  step: Step;
  /** A line of its own. */
  say: (line: string) => void;
  /** No line is rewritten any more. */
  end: () => void;
}

const REFRESH_MS = 200;
const CLEAR_LINE = '\r\u001b[K';
/** Where no width is known. */
const COLUMNS = 80;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export const createProgress = (out: Terminal, nowMs: () => number): Progress => {
  const running = new Map<string, number>();
  const live = out.isTTY === true;
  const draw = (): void => {
    if (!live) return;
    const parts = [...running].map(([title, startedAtMs]) => `${title} ${seconds(nowMs() - startedAtMs)}`);
    out.write(CLEAR_LINE + (parts.length > 0 ? `… ${parts.join(' · ')}`.slice(0, (out.columns ?? COLUMNS) - 1) : ''));
  };
  const timer = live ? setInterval(draw, REFRESH_MS).unref() : undefined;
  const say = (line: string): void => {
    out.write(`${live ? CLEAR_LINE : ''}${line}\n`);
    draw();
  };
  return {
    step: async (title, work) => {
      const startedAtMs = nowMs();
      running.set(title, startedAtMs);
      draw();
      try {
        const result = await work();
        running.delete(title);
        say(`✓ ${title}  ${seconds(nowMs() - startedAtMs)}`);
        return result;
      } finally {
        if (running.delete(title)) draw();
      }
    },
    say,
    end: () => {
      clearInterval(timer);
      running.clear();
      draw();
    },
  };
};
