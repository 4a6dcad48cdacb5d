import { describe, expect, test } from '@jest/globals';
import { fold, isVisible, type RequestState, view } from '@osago/quotes';
import fc from 'fast-check';
import { frame, jitteredRetryMs, quoteFrame, retryFrame } from './sse-frames.ts';
import { at, leg, submitted } from './testing-events.ts';
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

describe('the frame of a quote', () => {
  test('is, letter by letter, the quote of the view with progress and status added', () => {
    const name = fc.string({ unit: 'binary' });
    const happening = fc.record({ status: fc.constantFrom('submitted', 'quoted', 'declined', 'timeout'), at: fc.nat({ max: 2 }), name });
    fc.assert(
      fc.property(fc.array(happening), fc.nat({ max: 90_000 }), (happenings, ms) => {
        const insurers = ['alpha', 'beta', 'gamma'] as const;
        const events = happenings.map(({ status, at: place, name: told }, nth) =>
          leg(insurers[place] ?? 'alpha', status, { step: nth, members: { reason: { code: 'other', message: told } } }),
        );
        const asked = submitted({ alpha: 20_000, beta: 40_000, gamma: 60_000 });
        const state = [asked, ...events].reduce<RequestState | undefined>((held, event) => fold(held, event), undefined);
        if (!isVisible(state)) throw new Error('not visible');
        const { quotes, progress, status } = view(state, at(ms));
        for (const quote of quotes) {
          const added = { progress, request_status: status };
          expect(quoteFrame(quote, added, 'c1')).toBe(frame('quote', { ...quote, ...added }, 'c1'));
        }
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
