import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { framed, framesOf, readHeader, splitAnswer, splitRequest } from './frames.ts';

const piecesOf = (bytes: Buffer, cuts: readonly number[]): AsyncIterable<Buffer> => {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  return Readable.from(places.map((place, at) => bytes.subarray(place, places[at + 1] ?? place)));
};

const collect = async (source: AsyncIterable<Buffer>): Promise<string[]> => {
  const frames: string[] = [];
  for await (const frame of framesOf(source)) frames.push(frame.toString());
  return frames;
};

describe('frames', () => {
  it('come out whole and in order, however the stream is cut', async () => {
    const property = fc.asyncProperty(fc.array(fc.string()), fc.array(fc.nat(500)), async (texts, cuts) => {
      const stream = Buffer.concat(texts.map((text) => framed(Buffer.from(text))));
      expect(await collect(piecesOf(stream, cuts))).toEqual(texts);
    });
    await fc.assert(property);
  });

  it('that are unfinished at the end are dropped, and absurd lengths refused', async () => {
    expect(await collect(piecesOf(Buffer.concat([framed(Buffer.from('a')), Buffer.of(0, 0, 0, 9, 1)]), []))).toEqual(['a']);
    await expect(collect(piecesOf(Buffer.from('GET / HTTP/1.1'), []))).rejects.toThrow(/a frame of \d+ bytes/);
  });
});

describe('a request', () => {
  const start = Buffer.from('0003000c0000002a0003616263', 'hex');

  it('says its API, version, correlation id and client', () => {
    expect(readHeader(start)).toEqual({ apiKey: 3, version: 12, correlationId: 42, clientId: 'abc' });
  });

  it('has tagged fields in its header if its version is flexible', () => {
    const frame = Buffer.concat([start, Buffer.from('0105021122', 'hex'), Buffer.from('body')]);
    const [header, body] = splitRequest(frame, { version: 12, flexible: true });
    expect([header.length, body.toString()]).toEqual([start.length + 5, 'body']);
    expect(splitRequest(Buffer.concat([start, Buffer.from('body')]), { version: 3, flexible: false })[1].toString()).toBe('body');
  });

  it('is answered under its correlation id, with tagged fields or without', () => {
    const answer = Buffer.from('0000002a00ff', 'hex');
    expect(splitAnswer(answer, false).map((part) => part.toString('hex'))).toEqual(['0000002a', '00ff']);
    expect(splitAnswer(answer, true).map((part) => part.toString('hex'))).toEqual(['0000002a00', 'ff']);
  });
});
