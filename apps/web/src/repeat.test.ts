import { describe, expect, test } from '@jest/globals';
import type { Fetch } from './post-request.ts';
import { readRepeatable, repeatableOf, repeatBody } from './repeat.ts';

/** As the server shows it: masked. */
const MASKED = {
  vehicle: { vin: 'XTT***9372', brand: 'УАЗ', model: 'Patriot', year: 2022, power_hp: 134.6 },
  owner: { last_name: 'П***', address: { region: '16', text: '***' } },
  period: { months: 10 },
  purpose: 'personal',
};
const REPEATABLE = repeatableOf(MASKED);
const bodyWith = (changed: Record<string, string>, repeatable = REPEATABLE): unknown =>
  JSON.parse(repeatBody('r1', repeatable, { ...repeatable.values, ...changed }));

describe('what can be changed', () => {
  test('is what names nobody, as it was sent', () => {
    expect(REPEATABLE.values).toEqual({
      '/vehicle/power_hp': '134.6',
      '/owner/address/region': '16',
      '/period/months': '10',
      '/purpose': 'personal',
      '/vehicle/trailer': '',
    });
    expect(REPEATABLE.fields.map(({ pointer }) => pointer)).toEqual(Object.keys(REPEATABLE.values));
    expect(REPEATABLE.vehicle).toBe('УАЗ Patriot 2022');
    expect(JSON.stringify(REPEATABLE)).not.toContain('***');
  });

  test('has the power in the unit that was chosen', () => {
    const { values } = repeatableOf({ ...MASKED, vehicle: { power_kw: 99 } });
    expect(values).toMatchObject({ '/vehicle/power_kw': '99' });
    expect(values).not.toHaveProperty('/vehicle/power_hp');
  });
});

describe('asking everybody again', () => {
  test('as it was names no changes', () => {
    expect(bodyWith({})).toEqual({ based_on: 'r1' });
  });

  test('names what is another now, each as its field sends it', () => {
    expect(bodyWith({ '/vehicle/power_hp': '90,5', '/period/months': '6', '/vehicle/trailer': 'true' })).toEqual({
      based_on: 'r1',
      changes: { '/vehicle/power_hp': 90.5, '/period/months': 6, '/vehicle/trailer': true },
    });
  });

  test('sends a switch that is off again', () => {
    const withTrailer = repeatableOf({ ...MASKED, vehicle: { trailer: true } });
    expect(bodyWith({ '/vehicle/trailer': '' }, withTrailer)).toEqual({ based_on: 'r1', changes: { '/vehicle/trailer': false } });
    const without = repeatableOf({ ...MASKED, vehicle: { trailer: false } });
    expect(bodyWith({ '/vehicle/trailer': '' }, without)).toEqual({ based_on: 'r1' });
  });

  test('sends an emptied field, so that the server says it is needed', () => {
    expect(bodyWith({ '/owner/address/region': ' ' })).toEqual({ based_on: 'r1', changes: { '/owner/address/region': '' } });
  });
});

describe('reading what was sent', () => {
  const read = (answer: Response | Error) =>
    readRepeatable({ requestId: 'r1' }, () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)));

  test('shows the token where the cookie is over', async () => {
    const calls: unknown[] = [];
    const fetch: Fetch = (url, { headers }) => {
      calls.push({ url, headers });
      return Promise.resolve(Response.json({ application: MASKED }));
    };
    expect(await readRepeatable({ requestId: 'r1', accessToken: 't' }, fetch)).toEqual({ kind: 'read', repeatable: REPEATABLE });
    expect(calls).toEqual([{ url: '/api/osago/requests/r1', headers: { authorization: 'Bearer t' } }]);
  });

  test.each([
    ['no request', Response.json({ title: 'gone' }, { status: 404 }), { kind: 'other', status: 404 }],
    ['a server that broke', Response.json({}, { status: 500 }), { kind: 'server' }],
    ['a page of a proxy', new Response('<html>', { status: 200 }), { kind: 'unreachable' }],
    ['a lost network', new TypeError('network'), { kind: 'unreachable' }],
  ])('tells %s', async (_, answer, result) => {
    expect(await read(answer)).toEqual(result);
  });
});
