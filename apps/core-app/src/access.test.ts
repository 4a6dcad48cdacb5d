import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Access } from './access.ts';
import { HttpProblem } from './problem.ts';
import { REQUEST_ID } from './testing-events.ts';

const OTHER_ID = '0b0c8b3e-6a2f-4c57-9a55-000000000000';
const OLD = ['old', Buffer.alloc(32, 1)] as const;
const NEW = ['new', Buffer.alloc(32, 2)] as const;

const callWith = (headers: IncomingMessage['headers']): IncomingMessage =>
  Object.assign(new IncomingMessage(new Socket()), { headers });

/** 200 for a caller that is let in. */
const statusOf = (
  access: Access,
  { headers = {}, query = '' }: { headers?: IncomingMessage['headers']; query?: string },
): number => {
  try {
    access.check(callWith(headers), REQUEST_ID, new URLSearchParams(query));
    return 200;
  } catch (error) {
    if (error instanceof HttpProblem) return error.status;
    throw error;
  }
};

const setup = () => {
  const access = new Access(new Map([OLD]));
  return { access, token: access.token(REQUEST_ID) };
};

describe('the token of a request', () => {
  test('lets in by header, by query and by cookie', () => {
    const { access, token } = setup();
    expect(statusOf(access, { headers: { authorization: `Bearer ${token}` } })).toBe(200);
    expect(statusOf(access, { headers: { authorization: `bearer ${token}` } })).toBe(200);
    expect(statusOf(access, { query: `access_token=${token}` })).toBe(200);
    expect(statusOf(access, { headers: { cookie: `a=b; osago_access=${token}` } })).toBe(200);
  });

  test('has its version and its key in clear', () => {
    expect(setup().token).toMatch(/^v1\.old\.[\w-]{43}$/);
  });

  test.each<[string, IncomingMessage['headers'], string]>([
    ['no credential', {}, ''],
    ['another scheme', { authorization: 'Basic abc' }, ''],
    ['a scheme alone', { authorization: 'Bearer' }, ''],
    ['an empty query', {}, 'access_token='],
    ['a cookie without a value', { cookie: 'osago_access' }, ''],
    ['another cookie', { cookie: 'osago_owner=x' }, ''],
  ])('is asked for by a 401: %s', (_, headers, query) => {
    expect(statusOf(setup().access, { headers, query })).toBe(401);
  });

  test.each<[string, (token: string, access: Access) => string]>([
    ['of another request', (_, access) => access.token(OTHER_ID)],
    ['of another version', (token) => token.replace('v1', 'v2')],
    ['of an unknown key', (token) => token.replace('old', 'gone')],
    ['of no key', (token) => token.replace('old', '')],
    ['cut by one character', (token) => token.slice(0, -1)],
    ['with another character', (token) => token.replace(/.$/, token.endsWith('A') ? 'Q' : 'A')],
    ['with a part too many', (token) => `${token}.x`],
    ['without its mac', (token) => token.slice(0, token.lastIndexOf('.'))],
    ['that is no token', () => 'secret'],
  ])('looks the same as an unknown request when it is wrong: %s', (_, spoil) => {
    const { access, token } = setup();
    const authorization = `Bearer ${spoil(token, access)}`;
    expect(statusOf(access, { headers: { authorization } })).toBe(404);
  });

  test('is taken from the first credential given: a wrong header is not saved by a right cookie', () => {
    const { access, token } = setup();
    const cookie = `osago_access=${token}`;
    expect(statusOf(access, { headers: { authorization: 'Bearer x', cookie } })).toBe(404);
    expect(statusOf(access, { headers: { cookie }, query: 'access_token=x' })).toBe(404);
    const authorization = `Bearer ${token}`;
    expect(statusOf(access, { headers: { authorization, cookie: 'osago_access=x' }, query: 'access_token=y' })).toBe(200);
  });

  test('of a key that no longer signs is still good', () => {
    const { token } = setup();
    const rotated = new Access(new Map([NEW, OLD]));
    expect(statusOf(rotated, { query: `access_token=${token}` })).toBe(200);
    expect(rotated.token(REQUEST_ID)).toMatch(/^v1\.new\./);
  });

  test('is not an HMAC of another purpose', () => {
    const { access } = setup();
    expect(access.mac('request', 'x')).not.toEqual(access.mac('body', 'x'));
  });
});

test('access without a key is refused', () => {
  expect(() => new Access(new Map())).toThrow('access needs a key');
});

describe('the owner', () => {
  test('is the one of the cookie', () => {
    const { access } = setup();
    const id = 'A'.repeat(22);
    expect(access.owner(callWith({ cookie: `osago_owner=${id}` }))).toEqual({ id, isNew: false });
  });

  test.each([['no cookie', undefined], ['a short one', 'osago_owner=abc'], ['a foreign one', `osago_owner=${'!'.repeat(22)}`]])(
    'is new and random with %s',
    (_, cookie) => {
      const { access } = setup();
      const owner = access.owner(callWith(cookie === undefined ? {} : { cookie }));
      expect(owner).toEqual({ id: expect.stringMatching(/^[\w-]{22}$/), isNew: true });
      expect(access.owner(callWith({})).id).not.toBe(owner.id);
    },
  );
});

describe('the cookies', () => {
  const owner = { id: 'A'.repeat(22), isNew: true };

  test('are for the path of the request and for the whole API, out of reach of scripts', () => {
    const { access, token } = setup();
    expect(access.cookies(callWith({}), REQUEST_ID, owner)).toEqual([
      `osago_access=${token}; Path=/api/osago/requests/${REQUEST_ID}; Max-Age=259200; HttpOnly; SameSite=Lax`,
      `osago_owner=${owner.id}; Path=/api/osago; Max-Age=31536000; HttpOnly; SameSite=Lax`,
    ]);
  });

  test('are secure behind TLS', () => {
    const cookies = setup().access.cookies(callWith({ 'x-forwarded-proto': 'https' }), REQUEST_ID, owner);
    expect(cookies).toHaveLength(2);
    for (const cookie of cookies) expect(cookie).toMatch(/; Secure$/);
  });

  test('leave the owner alone when it came with the call', () => {
    const cookies = setup().access.cookies(callWith({}), REQUEST_ID, { ...owner, isNew: false });
    expect(cookies).toEqual([expect.stringMatching(/^osago_access=/)]);
  });
});
