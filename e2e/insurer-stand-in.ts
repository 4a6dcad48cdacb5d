/**
 * An implementation of the standard insurer protocol (design §7a) that shares nothing with the platform or its
 * simulator: one server that plays several insurers, each as its script says, and counts what it saw.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Script {
  /** How the n-th POST (from 1) is answered. */
  post: (count: number) => { status: number; headers?: Record<string, string>; body: unknown };
  /** How the n-th poll of one application (from 1) is answered; a text is sent as it is. */
  poll?: (count: number) => { status: number; headers?: Record<string, string>; body: unknown };
}

export interface Seen {
  posts: { idempotencyKey: string | undefined; body: unknown }[];
  polls: number;
}

const PREMIUM = { premium_kopecks: 512_300, base_rate_kopecks: 400_000, unknown_member: 'is ignored' };
const pending = { status: 200, body: { application_id: 'a-1', status: 'pending' } };
export const accepted = { status: 201, body: { application_id: 'a-1', status: 'pending' } };
const ready = { status: 200, body: { application_id: 'a-1', status: 'ready', quote: PREMIUM } };

/** Each script with the status that its leg must end with. */
export const SCRIPTS: Readonly<Record<string, Script & { ends: string }>> = {
  prompt: { ends: 'quoted', post: () => accepted, poll: (count) => (count < 3 ? pending : ready) },
  sync: { ends: 'quoted', post: () => ready },
  estimating: {
    ends: 'quoted',
    post: () => accepted,
    // Until the test has seen the estimate, and lets it go on.
    poll: () => ({ ...ready, body: { ...ready.body, status: 'estimated' } }),
  },
  'slow-index': {
    ends: 'quoted',
    post: () => accepted,
    poll: (count) => (count < 3 ? { status: 404, body: {} } : ready),
  },
  busy: {
    ends: 'quoted',
    post: (count) =>
      count < 3 ? { status: 429, headers: { 'retry-after': '0.3' }, body: {} } : accepted,
    poll: () => ready,
  },
  refuses: {
    ends: 'declined',
    post: () => ({ status: 422, body: { status: 'declined', reason: { code: 'segment', message: 'no' } } }),
  },
  wants: {
    ends: 'needs_data',
    post: () => accepted,
    poll: () => ({
      status: 200,
      body: { application_id: 'a-1', status: 'needs_data', missing_fields: ['/drivers/0/licence'] },
    }),
  },
  fails: {
    ends: 'error',
    post: () => accepted,
    poll: () => ({ status: 200, body: { application_id: 'a-1', status: 'failed', reason: { code: 'broken' } } }),
  },
  babbles: { ends: 'error', post: () => ({ status: 200, body: '{"application_id":' }) },
  silent: { ends: 'timeout', post: () => accepted, poll: () => pending },
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

export class InsurerStandIn {
  readonly seen = new Map<string, Seen>();
  readonly #server: Server;

  constructor(scripts: Readonly<Record<string, Script>>) {
    for (const name of Object.keys(scripts)) this.seen.set(name, { posts: [], polls: 0 });
    this.#server = createServer((request, response) => {
      void this.#answer(scripts, request, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(
    scripts: Readonly<Record<string, Script>>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const [, name = '', route = ''] = (request.url ?? '').split('/');
    const [script, seen] = [scripts[name], this.seen.get(name)];
    const text = await readBody(request);
    let reply: ReturnType<Script['post']> = { status: 404, body: {} };
    if (script && seen && request.method === 'POST' && route === 'applications') {
      const key = request.headers['idempotency-key'];
      seen.posts.push({ idempotencyKey: key as string | undefined, body: JSON.parse(text) });
      reply = script.post(seen.posts.length);
    } else if (script?.poll && seen && route === 'quotes') {
      seen.polls += 1;
      reply = script.poll(seen.polls);
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
  }
}
