import { describe, expect, test } from '@jest/globals';
import { decodeEvent, encodeEvent, type OsagoEvent } from './index.ts';

const cancelled: OsagoEvent = {
  specversion: '1.0',
  id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11:r2',
  source: '/osago/core-app',
  type: 'osago.request.cancelled.v1',
  subject: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11',
  time: '2026-11-21T09:00:00.000Z',
  datacontenttype: 'application/json',
  data: { request_id: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', revision: 2 },
};

describe('decodeEvent', () => {
  test('gives back what was encoded', () => {
    expect(decodeEvent(encodeEvent(cancelled))).toEqual({ ok: true, event: cancelled });
  });

  test.each([
    ['no value', null, 'the record has no value'],
    ['no JSON', Buffer.from('{'), 'the value is no JSON'],
    ['JSON null', Buffer.from('null'), 'the event type is unknown'],
    ['an unknown type', Buffer.from('{"type":"osago.quote.sold.v1"}'), 'the event type is unknown'],
  ])('says why it refuses %s', (_, bytes, reason) => {
    expect(decodeEvent(bytes)).toEqual({ ok: false, reason });
  });

  test('names the member that is wrong', () => {
    const wrong = encodeEvent({ ...cancelled, data: { ...cancelled.data, revision: 1 } });
    expect(decodeEvent(wrong)).toEqual({
      ok: false,
      reason: expect.stringContaining('osago.request.cancelled.v1: /data/revision') as unknown,
    });
  });
});
