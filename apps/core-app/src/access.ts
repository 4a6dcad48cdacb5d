/**
 * Who may see a request. The token of a request is an HMAC of its id, so it is checked before any look-up, and a wrong
 * token and an unknown id look the same. The owner cookie ties requests of one browser together.
 */
import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { API_PREFIX } from '@osago/contracts';
import { HttpProblem } from './problem.ts';

const VERSION = 'v1';
/** A kid may hold dots, an HMAC in base64url none. */
const TOKEN = /^v1\.(.+)\.([\w-]+)$/;
const ACCESS_COOKIE = 'osago_access';
const OWNER_COOKIE = 'osago_owner';
const OWNER_COOKIE_S = 365 * 24 * 3_600;
/** As long as the topics keep the request's history. */
const ACCESS_COOKIE_S = 3 * 24 * 3_600;

export const requestPath = (requestId: string): string => `${API_PREFIX}/requests/${requestId}`;

/** Undefined for a cookie that the call came without; of two with one name the last. */
const cookieOf = (request: IncomingMessage, name: string): string | undefined => {
  let value: string | undefined;
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at >= 0 && pair.slice(0, at).trim() === name) value = pair.slice(at + 1).trim();
  }
  return value;
};

const bearerOf = (request: IncomingMessage): string | undefined => {
  const [scheme, bearer] = (request.headers.authorization ?? '').split(' ');
  return scheme?.toLowerCase() === 'bearer' ? bearer : undefined;
};

const isHttps = (request: IncomingMessage): boolean =>
  request.headers['x-forwarded-proto'] === 'https';

export class Access {
  /** As keys, because an HMAC by bytes makes a key of them each time: most of what it costs. */
  readonly #secrets: ReadonlyMap<string, KeyObject>;
  readonly #kid: string;
  readonly #secret: KeyObject;

  /** The first key signs, every key verifies. */
  constructor(secrets: ReadonlyMap<string, Buffer>) {
    this.#secrets = new Map([...secrets].map(([kid, bytes]) => [kid, createSecretKey(bytes)] as const));
    const [first] = this.#secrets;
    if (first === undefined) throw new Error('access needs a key');
    [this.#kid, this.#secret] = first;
  }

  /** An HMAC for a purpose; texts of different purposes never meet. */
  mac(purpose: string, text: string, secret = this.#secret): Buffer {
    return createHmac('sha256', secret).update(`${purpose}\0${text}`).digest();
  }

  /** The same by every key: what was stored under an older one is still found. */
  macs(purpose: string, text: string): Buffer[] {
    return [...this.#secrets.values()].map((secret) => this.mac(purpose, text, secret));
  }

  token(requestId: string): string {
    return `${VERSION}.${this.#kid}.${this.mac('request', requestId).toString('base64url')}`;
  }

  #isToken(requestId: string, token: string): boolean {
    const [, kid = '', given = ''] = TOKEN.exec(token) ?? [];
    const secret = this.#secrets.get(kid);
    if (secret === undefined) return false;
    const wanted = this.mac('request', requestId, secret);
    const bytes = Buffer.from(given, 'base64url');
    return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  }

  /** Whether the call came with the token of that request as `Authorization: Bearer`. */
  hasBearer(request: IncomingMessage, requestId: string): boolean {
    const bearer = bearerOf(request);
    return bearer !== undefined && this.#isToken(requestId, bearer);
  }

  /** Throws 401 without a credential, 404 with a wrong one. The first of header, query, cookie counts. */
  check(request: IncomingMessage, requestId: string, query: URLSearchParams): void {
    const token = bearerOf(request) ?? query.get('access_token') ?? cookieOf(request, ACCESS_COOKIE);
    if (!token) throw new HttpProblem(401);
    if (!this.#isToken(requestId, token)) throw new HttpProblem(404);
  }

  /** The owner that the call came with, or a new one. */
  owner(request: IncomingMessage): { id: string; isNew: boolean } {
    const given = cookieOf(request, OWNER_COOKIE);
    if (given !== undefined && /^[\w-]{22}$/.test(given)) return { id: given, isNew: false };
    return { id: randomBytes(16).toString('base64url'), isNew: true };
  }

  /** For `Set-Cookie`: the request's token on its own path, and the owner where it is new. */
  cookies(request: IncomingMessage, requestId: string, owner: { id: string; isNew: boolean }): string[] {
    const flags = `HttpOnly; SameSite=Lax${isHttps(request) ? '; Secure' : ''}`;
    const access = `${ACCESS_COOKIE}=${this.token(requestId)}; Path=${requestPath(requestId)}; Max-Age=${ACCESS_COOKIE_S}; ${flags}`;
    if (!owner.isNew) return [access];
    return [
      access,
      `${OWNER_COOKIE}=${owner.id}; Path=${API_PREFIX}; Max-Age=${OWNER_COOKIE_S}; ${flags}`,
    ];
  }
}
