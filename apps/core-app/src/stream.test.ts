/** What only a socket can show that is full or gone; the bytes of a stream are tested over a real one: streams.test.ts. */
import { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { QuotesBodies } from './quotes-body.ts';
import { Showcase, type Shown } from './showcase.ts';
import { Stream } from './stream.ts';
import { leg, PARTITION, REQUEST_ID, submitted, TestClock } from './testing-events.ts';
import { parseSse } from './testing-http.ts';

/** A socket whose reader takes what the test says: it never ends on its own. */
class StuckSocket extends Socket {
  readonly texts: string[] = [];
  isCut = false;
  isEnded = false;
  override writable = true;
  override writableLength = 0;
  override bytesWritten = 0;

  override write(text: unknown): boolean {
    if (this.isEnded) throw new Error('write after end');
    this.texts.push(String(text));
    return false;
  }

  override end(text?: unknown): this {
    if (this.isEnded) throw new Error('end after end');
    this.texts.push(String(text));
    this.isEnded = true;
    this.writable = false;
    return this;
  }

  override destroySoon(): void {
    if (!this.isEnded) throw new Error('destroyed before the end');
  }

  override destroy(): this {
    this.isCut = true;
    return this;
  }
}

const HEARTBEAT = 'event: heartbeat\ndata: {}\n\n';
const BOUNDS = { pendingBytesMax: 64 * 1_024, stalledMs: 10_000 };

const setup = () => {
  const clock = new TestClock();
  const showcase = new Showcase();
  showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
  const bodies = new QuotesBodies({ epoch: { epoch: 'e1' }, feed: { isStale: () => false }, clock });
  const shown = (): Shown => showcase.get(REQUEST_ID)!;
  const socket = new StuckSocket();
  const stream = new Stream(socket, { bodies, shown: shown(), retryMs: 1_000, heartbeat: HEARTBEAT });
  const change = (...event: Parameters<typeof leg>): void => {
    showcase.apply(leg(...event), PARTITION, 1);
    stream.show(shown().state);
    stream.compose(clock.nowMs());
    stream.send();
  };
  const sweepAfter = (ms: number): void => {
    clock.advance(ms);
    stream.sweep(clock.nowMs(), HEARTBEAT, BOUNDS);
  };
  return { clock, showcase, shown, stream, socket, change, sweepAfter };
};

describe('a stream whose request has changed', () => {
  test('says all that is new in one write, once that is asked for', () => {
    const { clock, showcase, shown, socket, stream } = setup();
    const said = socket.texts.length;
    showcase.apply(leg('alpha', 'submitted', { step: 1 }), PARTITION, 1);
    stream.show(shown().state);
    showcase.apply(leg('alpha', 'estimated', { step: 2 }), PARTITION, 2);
    stream.show(shown().state);
    stream.compose(clock.nowMs());
    expect(socket.texts).toHaveLength(said);
    stream.send();
    stream.send();
    const [text, ...more] = socket.texts.slice(said);
    expect(parseSse(text ?? '').messages.map(({ data }) => JSON.parse(data) as unknown)).toMatchObject([{ status: 'estimated' }]);
    expect(more).toEqual([]);
  });
});

describe('a stream that has ended and whose reader does not take it', () => {
  const ended = () => {
    const parts = setup();
    parts.change('alpha', 'quoted', { step: 1 });
    expect(parts.stream.closeReason).toBe('done');
    return parts;
  };

  test('says nothing more: not for a later record, the clock, a heartbeat or the drain', () => {
    const { change, socket, stream, sweepAfter } = ended();
    const said = socket.texts.length;
    change('alpha', 'declined', { step: 2 });
    sweepAfter(1_000);
    stream.end('event: bye\ndata: {}\n\n', 'drained');
    expect(socket.texts).toHaveLength(said);
    expect(stream.closeReason).toBe('done');
  });

  test('is cut two seconds after its end', () => {
    const { socket, stream, sweepAfter } = ended();
    sweepAfter(1_999);
    expect(socket.isCut).toBe(false);
    sweepAfter(1);
    expect(socket.isCut).toBe(true);
    expect(stream.closeReason).toBe('stalled');
  });

  test('ends once when the clock has ended it', () => {
    const { socket, stream, sweepAfter } = setup();
    sweepAfter(61_000);
    expect(socket.texts.at(-1)).toMatch(/\nevent: timeout\n/);
    sweepAfter(250);
    expect(stream.closeReason).toBe('timeout');
  });
});

describe('a reader that takes nothing', () => {
  test('is cut when more than the bound waits for it', () => {
    const { socket, stream, sweepAfter } = setup();
    socket.writableLength = BOUNDS.pendingBytesMax;
    sweepAfter(250);
    expect(socket.isCut).toBe(false);
    socket.writableLength += 1;
    sweepAfter(250);
    expect(socket.isCut).toBe(true);
    expect(stream.closeReason).toBe('stalled');
  });

  test('is cut when it has taken none of what waits for it for ten seconds', () => {
    const { socket, stream, sweepAfter } = setup();
    socket.writableLength = 1;
    sweepAfter(250);
    sweepAfter(9_999);
    expect(socket.isCut).toBe(false);
    sweepAfter(1);
    expect(socket.isCut).toBe(true);
    expect(stream.closeReason).toBe('stalled');
  });

  test('is left alone while it takes something, and when it has taken all', () => {
    const { socket, sweepAfter } = setup();
    for (let sweep = 0; sweep < 4; sweep += 1) {
      socket.bytesWritten += 1_000;
      socket.writableLength = 900;
      sweepAfter(9_000);
    }
    socket.writableLength = 0;
    sweepAfter(11_000);
    socket.writableLength = 900;
    sweepAfter(250);
    expect(socket.isCut).toBe(false);
  });
});

describe('a reader that lags', () => {
  test('is told the latest of each quote once it has taken what it has, not each step', () => {
    const { change, socket, sweepAfter } = setup();
    socket.writableLength = 17 * 1_024;
    const said = socket.texts.length;
    change('alpha', 'submitted', { step: 1 });
    change('alpha', 'estimated', { step: 2, members: { premium_kopecks: 400_000 } });
    sweepAfter(250);
    expect(socket.texts).toHaveLength(said);
    socket.writableLength = 0;
    sweepAfter(250);
    const { messages } = parseSse(socket.texts.slice(said).join(''));
    expect(messages.map(({ event, data }) => [event, JSON.parse(data) as unknown])).toEqual([
      ['quote', expect.objectContaining({ status: 'estimated', premium_kopecks: 400_000 })],
    ]);
  });

  test('has no heartbeats on top', () => {
    const { socket, sweepAfter } = setup();
    socket.writableLength = 17 * 1_024;
    const said = socket.texts.length;
    for (let sweep = 1; sweep <= 3; sweep += 1) {
      socket.bytesWritten += 1;
      sweepAfter(8_000);
    }
    expect(socket.texts).toHaveLength(said);
  });

  test('is told the end once it has taken what it has', () => {
    const { socket, stream, sweepAfter } = setup();
    socket.writableLength = 17 * 1_024;
    sweepAfter(61_000);
    expect(socket.isEnded).toBe(false);
    socket.writableLength = 0;
    sweepAfter(250);
    expect(socket.isEnded).toBe(true);
    expect(stream.closeReason).toBe('timeout');
  });
});
