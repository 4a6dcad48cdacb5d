import { describe, expect, it } from '@jest/globals';
import { at, cancelled, givenLog, leg, REQUEST_ID, retryAsked, submitted, writeWholeRequest } from './replay-given.ts';
import { readRequest } from './request-log.ts';
import { timelineHtml } from './timeline-html.ts';
import { timelineText } from './timeline-text.ts';
import { timelineOf } from './timeline.ts';

const eventsOf = async (log: ReturnType<typeof givenLog>) => {
  const deps = { ...log, findPlace: () => Promise.resolve(undefined) };
  return (await readRequest(deps, REQUEST_ID, { fromMs: 0, partition: 1 })).events;
};

describe('the timeline of a request', () => {
  it('is a picture in the terminal', async () => {
    const log = givenLog();
    writeWholeRequest(log);
    const timeline = timelineOf(await eventsOf(log), at(70_000))!;
    const text = timelineText(timeline);
    expect(text.split('\n').slice(0, 7)).toEqual([
      `request ${REQUEST_ID}   partial, 3 of 3 answered   revision 1, partition 1`,
      'accepted 2026-11-21T09:00:00.000Z   deadline 2026-11-21T09:01:00.000Z',
      '',
      '          0.00 s        15.0 s        30.0 s        45.0 s        60.0 s',
      'alfa      ─●                                                    ┊   quoted  6,051.99 ₽',
      'beta      ──○                                                   ┊   declined  segment',
      'gamma     ───────────────────────────────────────────────────────◷  timeout',
    ]);
    expect(text).toContain('2.01 s  osago.quotes.v1-1-3    alfa quoted');
  });

  it('draws what the clock and a cancel have ended, and asking again', async () => {
    const log = givenLog();
    log.write(10, submitted(['alfa', 'beta', 'gamma']));
    log.write(500, leg('alfa', 'error', { afterMs: 490, members: { reason: { code: 'internal' }, retryable: true } }));
    log.write(2_000, retryAsked('alfa', { revision: 2, attempt: 2, afterMs: 2_000 }));
    log.write(5_000, cancelled(3, 5_000));
    log.write(6_000, leg('gamma', 'quoted', { afterMs: 4_000, members: { premium_kopecks: 100 } }));
    const timeline = timelineOf(await eventsOf(log), at(90_000))!;
    const drawn = timeline.legs.map(({ quote, changes }) => [
      quote.insurer_id,
      ...changes.map(({ status, afterMs, attempt }) => `${status} ${attempt} at ${afterMs}`),
    ]);
    expect(drawn).toEqual([
      ['alfa', 'waiting 1 at 0', 'error 1 at 500', 'waiting 2 at 2000', 'cancelled 2 at 5000'],
      ['beta', 'waiting 1 at 0', 'cancelled 1 at 5000'],
      ['gamma', 'waiting 1 at 0', 'quoted 1 at 6000'],
    ]);
    expect(timeline.entries.map(({ says }) => says)).toContain('alfa is asked again, attempt 2 (revision 2)');
  });

  it('draws an end at the cancel that came after the leg was asked again, not at an earlier one', async () => {
    const log = givenLog();
    log.write(10, submitted(['alfa', 'beta']));
    log.write(3_000, cancelled(2, 3_000));
    log.write(5_000, retryAsked('alfa', { revision: 3, attempt: 2, afterMs: 5_000 }));
    log.write(9_000, cancelled(4, 9_000));
    const timeline = timelineOf(await eventsOf(log), at(90_000))!;
    expect(timeline.legs.map(({ changes }) => changes.at(-1))).toMatchObject([
      { status: 'cancelled', attempt: 2, afterMs: 9_000 },
      { status: 'cancelled', attempt: 1, afterMs: 3_000 },
    ]);
  });

  it('is a page that asks nobody for anything, and writes what insurers say as text', async () => {
    const log = givenLog();
    log.write(10, submitted(['alfa']));
    log.write(500, leg('alfa', 'declined', { members: { reason: { code: '<script>alert(1)</script>' } } }));
    const html = timelineHtml(timelineOf(await eventsOf(log), at(1_000))!);
    expect(html).toContain('<svg');
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|(?:src|href)=/);
  });

  it('is not there while only events of legs have come', async () => {
    const log = givenLog();
    log.write(500, leg('alfa', 'quoted'));
    expect(timelineOf(await eventsOf(log), at(1_000))).toBeUndefined();
  });
});
