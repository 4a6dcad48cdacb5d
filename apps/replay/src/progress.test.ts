import { describe, expect, it } from '@jest/globals';
import { createProgress, progressLine } from './progress.ts';

describe('progress', () => {
  it('says how far, how fast and how long still', () => {
    expect(progressLine(25_000, 100_000, 5_000)).toBe('██████░░░░░░░░░░░░░░░░░░ 25 %  25,000 of 100,000  5,000/s  15 s left');
  });

  it('is quiet in a pipe, and on a terminal while the work is short', () => {
    const written: string[] = [];
    const write = (text: string): void => void written.push(text);
    let nowMs = 0;
    const piped = createProgress({ write }, () => nowMs);
    const shown = createProgress({ write, isTTY: true }, () => nowMs);
    for (const progress of [piped, shown]) {
      progress.begin(10);
      progress.advance(1);
    }
    expect(written).toEqual([]);
    nowMs = 1_000;
    piped.advance(1);
    shown.advance(1);
    expect(written).toEqual([expect.stringContaining('20 %')]);
  });

  it('leaves no bar in front of what is written to the same terminal', () => {
    const written: string[] = [];
    let nowMs = 0;
    const progress = createProgress({ write: (text: string) => void written.push(text), isTTY: true }, () => nowMs);
    progress.begin(10);
    progress.clear();
    nowMs = 1_000;
    progress.advance(5);
    progress.clear();
    progress.clear();
    nowMs = 2_000;
    progress.advance(1);
    progress.end();
    expect(written).toEqual([expect.stringContaining('50 %'), '\r\u001b[K', expect.stringContaining('60 %'), '\r\u001b[K']);
  });
});
