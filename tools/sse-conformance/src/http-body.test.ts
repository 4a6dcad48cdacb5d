import { describe, expect, test } from '@jest/globals';
import { bodyDecoder, type Head, splitHead } from './http-body.ts';

const head = (headers: Record<string, string>, status = 200): Head => ({
  version: '1.1',
  status,
  headers: new Map(Object.entries(headers)),
});

describe('the head of an answer', () => {
  test('is whole at the empty line, and gives what follows', () => {
    expect(splitHead(Buffer.from('HTTP/1.1 200 OK\r\nA: 1\r\n'))).toBeUndefined();
    const split = splitHead(Buffer.from('HTTP/1.1 200 OK\r\nA: 1\r\na:2\r\n\r\nrest'))!;
    expect(split.head).toEqual({ version: '1.1', status: 200, headers: new Map([['a', '1, 2']]) });
    expect(String(split.rest)).toBe('rest');
  });

  test('is refused when it is no HTTP', () => {
    expect(() => splitHead(Buffer.from('SSH-2.0\r\n\r\n'))).toThrow('not an HTTP answer');
  });
});

describe('a body', () => {
  const chunked = Buffer.from('4;x=y\r\nab\r\n\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n');

  test.each([1, 2, 3, 1_000])('in chunks is the same in pieces of %i bytes, and complete at the last chunk', (piece) => {
    const decoder = bodyDecoder('GET', head({ 'transfer-encoding': 'chunked' }));
    let body = '';
    for (let at = 0; at < chunked.length; at += piece) {
      expect(decoder.isComplete).toBe(false);
      body += String(decoder.feed(chunked.subarray(at, at + piece)));
    }
    expect(body).toBe('ab\r\n0123456789abcdef');
    expect(decoder.isComplete).toBe(true);
  });

  test.each(['zz\r\n', '1\r\nabc\r\n'])('in broken chunks %j is an error', (text) => {
    const decoder = bodyDecoder('GET', head({ 'transfer-encoding': 'chunked' }));
    expect(() => decoder.feed(Buffer.from(text))).toThrow('chunk');
  });

  test('with a length is complete at that length', () => {
    const decoder = bodyDecoder('GET', head({ 'content-length': '3' }));
    expect(String(decoder.feed(Buffer.from('abcd')))).toBe('abc');
    expect(decoder.isComplete).toBe(true);
  });

  test('of HEAD and of 204 is empty', () => {
    expect(bodyDecoder('HEAD', head({ 'transfer-encoding': 'chunked' })).isComplete).toBe(true);
    expect(bodyDecoder('GET', head({}, 204)).isComplete).toBe(true);
  });

  test('without chunks and length ends with the connection', () => {
    const decoder = bodyDecoder('GET', head({}));
    expect(String(decoder.feed(Buffer.from('abc')))).toBe('abc');
    expect(decoder).toMatchObject({ isComplete: false, endsWithConnection: true });
  });
});
