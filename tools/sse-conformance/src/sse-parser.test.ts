import { describe, expect, test } from '@jest/globals';
import { SseParser } from './sse-parser.ts';

const parsed = (text: string, { piece = Number.POSITIVE_INFINITY } = {}): SseParser => {
  const parser = new SseParser();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += piece) parser.feed(bytes.subarray(at, Math.min(at + piece, bytes.length)), 0);
  return parser;
};

const shown = (parser: SseParser) => parser.events.map(({ event, data, lastEventId }) => [event, data, lastEventId]);

describe('the parser of the standard', () => {
  test.each(['\n', '\r\n', '\r'])('reads the same with the line end %j, in whole and byte by byte', (end) => {
    const first = ['\uFEFFevent: a', 'data: äö', 'data:  two', 'id: 1', ''];
    const text = [...first, ': comment', 'data', '', 'id', 'data:x', '', ''].join(end);
    const expected = [
      ['a', 'äö\n two', '1'],
      ['message', '', '1'],
      ['message', 'x', ''],
    ];
    expect(shown(parsed(text))).toEqual(expected);
    expect(shown(parsed(text, { piece: 1 }))).toEqual(expected);
  });

  test('keeps the id of a block without data, and dispatches nothing for it', () => {
    expect(shown(parsed('id: 7\n\ndata: x\n\n'))).toEqual([['message', 'x', '7']]);
  });

  test('forgets the name of an event that has no data', () => {
    expect(shown(parsed('event: gone\n\ndata: x\n\n'))).toEqual([['message', 'x', '']]);
  });

  test('ignores an id with NUL and a retry that is no number, and counts them', () => {
    const parser = parsed('id: a\0b\nretry: 1s\nretry: 20\ndata: x\n\n');
    expect(shown(parser)).toEqual([['message', 'x', '']]);
    expect(parser).toMatchObject({ idsWithNul: 1, badRetries: ['1s'], retries: [{ ms: 20, afterEvents: 0 }] });
  });

  test('shows no event that no blank line has closed, and tells that one is left', () => {
    const parser = parsed('data: x\n\ndata: y\ndat');
    expect(shown(parser)).toEqual([['message', 'x', '']]);
    expect(parser.undispatchedLines).toBe(2);
  });

  test('skips a byte-order mark at the start alone, and counts one at a later line', () => {
    const parser = parsed('\uFEFFdata: x\n\n\uFEFFdata: y\n\n');
    expect(shown(parser)).toEqual([['message', 'x', '']]);
    expect(parser.bomsAtLineStart).toBe(1);
  });

  test('tells line ends apart also where a piece ends between CR and LF', () => {
    expect(parsed('a: 1\r\nb: 2\r\n\r\nc\rd\n', { piece: 1 }).lineEnds).toEqual({ lf: 1, crlf: 3, cr: 1 });
  });
});
