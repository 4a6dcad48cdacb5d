/** A reader that takes nothing, while events flow. */
import { type Check, failed, notOffered, passed } from '../check.ts';
import type { Context } from '../context.ts';
import type { RawStream } from '../raw-stream.ts';

interface Flooded {
  stalled: RawStream;
  healthy: RawStream;
  /** What the healthy reader got of the last flood when its time was up; undefined when it got all. */
  late: string | undefined;
}

const NEEDS = 'the adapter has no slowReader';
const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
const QUIET_MS = 50;

/** Both readers on one target; only one reads. */
const flood = async (context: Context): Promise<Flooded | undefined> => {
  const { adapter, limits } = context;
  const { slowReader } = adapter;
  if (slowReader === undefined) return undefined;
  const target = await context.target();
  const stalled = await context.open(target);
  stalled.stall();
  const healthy = await context.open(target);
  let late: string | undefined;
  while (healthy.bodyBytes < limits.floodBytes && late === undefined) {
    const before = healthy.bodyBytes;
    const bytes = await slowReader.flood(target);
    const gotAll = await healthy.until(() => healthy.bodyBytes >= before + bytes, limits.promptMs);
    const got = `${megabytes(healthy.bodyBytes - before)} of ${megabytes(bytes)} in ${limits.promptMs} ms`;
    if (!gotAll) late = `${got} after ${megabytes(before)}${healthy.ending === undefined ? '' : `, then ${healthy.ending}`}`;
  }
  return { stalled, healthy, late };
};

export const slowReaderOthers: Check = {
  name: 'slow-reader-others',
  why: 'One reader on a bad line must not hold up those on a good one.',
  async run(context) {
    const flooded = await flood(context);
    if (flooded === undefined) return notOffered(NEEDS);
    const { healthy, late } = flooded;
    return late === undefined
      ? passed(`the reader beside it got ${megabytes(healthy.bodyBytes)}`)
      : failed(`the reader beside it got ${late}`);
  },
};

export const slowReaderCut: Check = {
  name: 'slow-reader-cut',
  why: 'What a reader does not take stays in the memory of the server: unbounded, a few stalled ones end the process.',
  after: ['slow-reader-others'],
  async run(context) {
    const flooded = await flood(context);
    if (flooded === undefined) return notOffered(NEEDS);
    const { slowReader } = context.adapter;
    const { settleMs } = context.limits;
    const { stalled, healthy } = flooded;
    const startedMs = performance.now();
    // Whether it is cut cannot be seen without reading, and reading lets it catch up: so its time is given first.
    await stalled.until(() => false, slowReader?.withinMs ?? 0);
    const sentBytes = healthy.bodyBytes;
    stalled.readOn();
    await stalled.until(() => stalled.bodyBytes >= sentBytes, settleMs);
    const seen = `${megabytes(stalled.bodyBytes)} of ${megabytes(sentBytes)}`;
    if (stalled.bodyBytes >= sentBytes) return failed(`the server kept ${seen} for a reader that took nothing`);
    await stalled.ended(QUIET_MS);
    if (stalled.ending === undefined) return failed(`still open with ${seen} after ${settleMs} ms`);
    return passed(`cut with ${seen} delivered, within ${Math.round(performance.now() - startedMs)} ms after the flood`);
  },
};
