import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OffHeapBytes, type Place } from './off-heap-bytes.ts';

const MIB = 1_048_576;

test('what is kept is read again, in any script', () => {
  const bytes = new OffHeapBytes();
  const places = ['', 'Помощь на дороге', '🚗'].map((text) => bytes.keep(Buffer.from(text)));
  expect(places.map(({ text }) => text)).toEqual(['', 'Помощь на дороге', '🚗']);
});

test('what is kept is a copy', () => {
  const bytes = new OffHeapBytes();
  const record = Buffer.from('quoted');
  const place = bytes.keep(record);
  record.fill('x');
  expect(place.text).toBe('quoted');
});

test('a record larger than a page has a page of its own', () => {
  const bytes = new OffHeapBytes();
  const small = bytes.keep(Buffer.from('small'));
  const large = bytes.keep(Buffer.alloc(5 * MIB, 'l'));
  expect(large.text).toBe('l'.repeat(5 * MIB));
  expect(small.text).toBe('small');
  expect(bytes.bytes).toBe(9 * MIB);
});

describe('a place that is released', () => {
  test('takes the next bytes of about the same length, shorter ones too', () => {
    const bytes = new OffHeapBytes();
    bytes.release(bytes.keep(Buffer.alloc(900, 'a')));
    const again = bytes.keep(Buffer.alloc(850, 'b'));
    expect(again.text).toBe('b'.repeat(850));
  });

  test('whoever comes and goes a thousand times needs no more pages', () => {
    const bytes = new OffHeapBytes();
    for (let at = 0; at < 1_000; at += 1) bytes.release(bytes.keep(Buffer.alloc(100_000 - (at % 30))));
    expect(bytes.bytes).toBe(4 * MIB);
  });
});

test('whatever is kept and released in whatever order, each place has what it was given', () => {
  const step = fc.oneof(
    fc.record({ keep: fc.string({ unit: 'grapheme', maxLength: 400 }) }),
    fc.record({ release: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const bytes = new OffHeapBytes();
      const held: { place: Place; text: string }[] = [];
      for (const each of steps) {
        if ('keep' in each) {
          held.push({ place: bytes.keep(Buffer.from(each.keep)), text: each.keep });
        } else {
          const [gone] = held.splice(each.release % Math.max(1, held.length), 1);
          if (gone !== undefined) bytes.release(gone.place);
        }
        expect(held.map(({ place }) => place.text)).toEqual(held.map(({ text }) => text));
      }
    }),
  );
});
