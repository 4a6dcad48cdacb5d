import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { frame, jitteredRetryMs, retryFrame } from './sse-frames.ts';
import { parseSse } from './testing-http.ts';

describe('frame', () => {
  test('is event, id, data and an empty line', () => {
    expect(frame('quote', { a: 1 }, 'c1')).toBe('event: quote\nid: c1\ndata: {"a":1}\n\n');
  });

  test('has no line for an id that it does not have', () => {
    expect(frame('heartbeat', {})).toBe('event: heartbeat\ndata: {}\n\n');
  });

  test('comes back whole from an independent parser, whatever text it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const sent = { text, after: '\r\n\u2028\n\n' };
        const { messages } = parseSse(frame('quote', sent, 'c1') + frame('done', {}));
        expect(messages).toEqual([
          { event: 'quote', data: JSON.stringify(sent), id: 'c1', hasId: true },
          { event: 'done', data: '{}', id: 'c1', hasId: false },
        ]);
      }),
    );
  });
});

describe('retry', () => {
  test('is a whole number of milliseconds', () => {
    expect(retryFrame(1383.6)).toBe('retry: 1384\n\n');
  });

  test('is spread over as much again', () => {
    expect(jitteredRetryMs(1_000, () => 0)).toBe(1_000);
    expect(jitteredRetryMs(1_000, () => 0.999)).toBe(1_999);
  });
});
