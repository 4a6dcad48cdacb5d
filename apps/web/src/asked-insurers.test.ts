import { describe, expect, test } from '@jest/globals';
import { readInsurers } from './asked-insurers.ts';

const answering = (answer: Response | Error) => () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer));

describe('who is asked', () => {
  test('is what the server says', async () => {
    const insurers = [{ insurer_id: 'alfa', name: 'Альфа', state: 'up' }];
    expect(await readInsurers(answering(Response.json({ insurers })))).toEqual(insurers);
  });

  test.each([
    ['the server broke', Response.json({}, { status: 500 })],
    ['a proxy answers', new Response('<html>')],
    ['nobody answers', new TypeError('network')],
  ])('is nobody when %s', async (_, answer) => {
    expect(await readInsurers(answering(answer))).toEqual([]);
  });
});
