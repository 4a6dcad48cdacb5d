import { describe, expect, test } from '@jest/globals';
import { type DeadLetter, deadLetterId, decodeDeadLetter } from './dead-letter.ts';

const letter: DeadLetter = {
  specversion: '1.0',
  id: 'osago.quotes.v1-3-17',
  source: '/osago/test',
  type: 'osago.dead-letter.v1',
  subject: 'osago.quotes.v1-3-17',
  time: '2026-11-21T09:00:00.000Z',
  datacontenttype: 'application/json',
  data: {
    topic: 'osago.quotes.v1',
    partition: 3,
    offset: 17,
    reason: 'the value is no JSON',
    key: '',
    headers: {},
    value_base64: null,
    value_bytes: 0,
    cut: false,
  },
};
const encoded = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('a dead letter', () => {
  test('is read as it was written, and named after the place of its record', () => {
    expect(decodeDeadLetter(encoded(letter))).toEqual({ ok: true, value: letter });
    expect(deadLetterId(letter.data)).toBe(letter.id);
  });

  test.each<[string, Buffer | null, string]>([
    ['no value', null, ''],
    ['no JSON', Buffer.from('{'), ''],
    ['no place', encoded({ ...letter, data: { ...letter.data, offset: -1 } }), '/data/offset'],
    ['another type', encoded({ ...letter, type: 'osago.request.submitted.v1' }), '/type'],
  ])('with %s is none, and the fault is named', (_, bytes, pointer) => {
    expect(decodeDeadLetter(bytes)).toMatchObject({ ok: false, faults: [{ pointer }] });
  });
});
