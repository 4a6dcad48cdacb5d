/** What only a response can show that is full or gone; the bytes of a stream are tested over a socket: streams.test.ts. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { QuotesBodies } from './quotes-body.ts';
import { Showcase, type Shown } from './showcase.ts';
import { Stream } from './stream.ts';
import { leg, PARTITION, REQUEST_ID, submitted, TestClock } from './testing-events.ts';

/** A response whose reader takes nothing: it never ends on its own. */
class StuckResponse extends ServerResponse {
  readonly texts: string[] = [];
  isCut = false;
  override headersSent = false;
  override writableEnded = false;
  override writableLength = 0;

  constructor() {
    super(new IncomingMessage(new Socket()));
  }

  override write(text: unknown): boolean {
    if (this.writableEnded) throw new Error('write after end');
    this.headersSent = true;
    this.texts.push(String(text));
    return false;
  }

  override end(text?: unknown): this {
    if (this.writableEnded) throw new Error('end after end');
    this.texts.push(String(text));
    this.writableEnded = true;
    return this;
  }

  override destroy(): this {
    this.isCut = true;
    return this;
  }
}

const setup = () => {
  const clock = new TestClock();
  const showcase = new Showcase();
  showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
  const bodies = new QuotesBodies({ epoch: { epoch: 'e1' }, feed: { isStale: () => false }, clock });
  const shown = (): Shown => showcase.get(REQUEST_ID)!;
  const response = new StuckResponse();
  const stream = new Stream(response, { bodies, shown: shown() });
  const change = (...event: Parameters<typeof leg>): void => {
    showcase.apply(leg(...event), PARTITION, 1);
    stream.show(shown());
  };
  const sweepAfter = (ms: number): void => {
    clock.advance(ms);
    stream.sweep(clock.nowMs());
  };
  return { clock, stream, response, change, sweepAfter };
};

describe('a stream that has ended and whose reader does not take it', () => {
  const ended = () => {
    const parts = setup();
    parts.stream.start(1_000, parts.clock.nowMs());
    parts.change('alpha', 'quoted', { step: 1 });
    expect(parts.stream.closeReason).toBe('done');
    return parts;
  };

  test('says nothing more: not for a later record, the clock, a heartbeat or the drain', () => {
    const { change, response, stream, sweepAfter } = ended();
    const said = response.texts.length;
    change('alpha', 'declined', { step: 2 });
    sweepAfter(1_000);
    stream.end('event: bye\ndata: {}\n\n', 'drained');
    expect(response.texts).toHaveLength(said);
    expect(stream.closeReason).toBe('done');
  });

  test('is cut two seconds after it was seen to be ended', () => {
    const { response, stream, sweepAfter } = ended();
    sweepAfter(250);
    sweepAfter(1_999);
    expect(response.isCut).toBe(false);
    sweepAfter(1);
    expect(response.isCut).toBe(true);
    expect(stream.closeReason).toBe('stalled');
  });

  test('ends once when the clock has ended it', () => {
    const { clock, response, stream, sweepAfter } = setup();
    stream.start(1_000, clock.nowMs());
    sweepAfter(61_000);
    expect(response.texts.at(-1)).toMatch(/^event: timeout\n/);
    sweepAfter(250);
    expect(stream.closeReason).toBe('timeout');
  });
});

describe('a reader that takes nothing', () => {
  test('is cut when more than 256 KB wait for it', () => {
    const { clock, response, stream, sweepAfter } = setup();
    stream.start(1_000, clock.nowMs());
    response.writableLength = 256 * 1_024;
    sweepAfter(250);
    expect(response.isCut).toBe(false);
    response.writableLength += 1;
    sweepAfter(250);
    expect(response.isCut).toBe(true);
    expect(stream.closeReason).toBe('stalled');
  });
});

test('a change before the first byte waits for the snapshot', () => {
  const { change, clock, response, stream } = setup();
  change('alpha', 'submitted', { step: 1 });
  expect(response.texts).toEqual([]);
  stream.start(1_000, clock.nowMs());
  expect(response.texts).toEqual([expect.stringContaining('"status":"submitted"')]);
});
