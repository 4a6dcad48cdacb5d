/** What goes back over the wire, and how. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Fault } from '@osago/contracts';

/** Node's longest timer; every real delay is far below. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Reply {
  status: number;
  body: unknown;
  headers?: OutgoingHttpHeaders;
  /** Holds it back. */
  afterMs?: number;
  /** Breaks the connection instead of answering. */
  resets?: boolean;
  /** Only the first half of the body comes, under its own length. */
  halves?: boolean;
  /** The body comes byte by byte at this rate. */
  bytesPerSecond?: number;
}

export const refusal = (status: number, detail: string, headers: OutgoingHttpHeaders = {}): Reply => ({
  status,
  body: { detail },
  headers,
});

export const NOT_FOUND = refusal(404, 'no such path');
export const TOO_LARGE = refusal(413, 'the body is too large', { connection: 'close' });
export const notAllowed = (allow: string): Reply => refusal(405, `only ${allow} is allowed here`, { allow });

export const badBody = (errors: readonly Fault[]): Reply => ({
  status: 400,
  body: { detail: 'the body is not the protocol', errors },
});

const drip = (response: ServerResponse, bytes: Buffer, bytesPerSecond: number): void => {
  let at = 0;
  const timer = setInterval(() => {
    response.write(bytes.subarray(at, at + 1));
    at += 1;
    if (at < bytes.length) return;
    clearInterval(timer);
    response.end();
  }, 1_000 / bytesPerSecond);
  response.once('close', () => clearInterval(timer));
};

const send = (response: ServerResponse, { status, body, headers, halves, bytesPerSecond }: Reply): void => {
  const whole = Buffer.from(JSON.stringify(body));
  const bytes = halves === true ? whole.subarray(0, whole.length / 2) : whole;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  if (bytesPerSecond === undefined) response.end(bytes);
  else drip(response, bytes, bytesPerSecond);
};

/** Sends it now or when its time has come, unless the caller goes away first. */
export const answer = (response: ServerResponse, reply: Reply): void => {
  if (reply.resets === true) {
    response.destroy();
    return;
  }
  if (!reply.afterMs) return send(response, reply);
  const timer = setTimeout(() => send(response, reply), Math.min(reply.afterMs, TIMER_MS_MAX));
  response.once('close', () => clearTimeout(timer));
};
