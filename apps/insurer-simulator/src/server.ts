/**
 * The standard insurer protocol (design §7a) over HTTP for all simulated insurers, each under its own path, and the
 * simulator's own API under `/admin`. Plain `node:http`: the simulator must never be what a measurement of the platform
 * measures.
 *
 * It answers 5xx only where a fault says so. What a caller does wrong is a 4xx.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { checker, InsurerApplication } from '@osago/contracts';
import type { Clock, Log, Service } from '@osago/service-kit';
import { adminReply } from './admin.ts';
import type { Behaviour } from './behaviour.ts';
import type { MarkedCall } from './fault.ts';
import { pollReply, postReply, refusalOf } from './insurer-calls.ts';
import type { Profile } from './profile.ts';
import { answer, badBody, NOT_FOUND, notAllowed, type Reply, TOO_LARGE } from './reply.ts';
import { SimulatedInsurer } from './simulated-insurer.ts';

/** An application has about 2 kB; the aggregator calls 256 KB malformed too. */
const BODY_BYTES_MAX = 256 * 1024;

/** Applications of all insurers together, about 1 kB each. */
const REMEMBERED_MAX = 200_000;

export interface SimulatorOptions extends Omit<Behaviour, 'profile'> {
  profiles: readonly Profile[];
}

const check = checker(InsurerApplication);

/** Calls back with undefined when the body is too large, and not at all when the caller goes away. */
const readBody = (request: IncomingMessage, done: (body: Buffer | undefined) => void): void => {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return done(undefined);
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      request.removeAllListeners('data').removeAllListeners('end');
      return done(undefined);
    }
    chunks.push(chunk);
  });
  request.once('end', () => done(Buffer.concat(chunks)));
};

const parse = (body: Buffer): ReturnType<typeof check> => {
  try {
    return check(JSON.parse(body.toString('utf8')));
  } catch {
    return { ok: false, faults: [{ pointer: '', code: 'no_json', detail: 'is no JSON' }] };
  }
};

/** A server that does not listen yet. */
export const createSimulator = (clock: Clock, { profiles, ...behaviour }: SimulatorOptions): Server => {
  const rememberedMax = Math.max(1, Math.floor(REMEMBERED_MAX / profiles.length));
  const insurers = new Map(
    profiles.map((profile) => [
      profile.insurer_id,
      new SimulatedInsurer({ profile, ...behaviour }, clock, { rememberedMax }),
    ]),
  );

  const keyOf = (request: IncomingMessage): string | undefined => request.headers['idempotency-key']?.toString();

  const answerPost = (
    insurer: SimulatedInsurer,
    call: MarkedCall,
    [request, response]: readonly [IncomingMessage, ServerResponse],
  ): void =>
    readBody(request, (body) => {
      if (body === undefined) return answer(response, TOO_LARGE);
      const parsed = parse(body);
      if (!parsed.ok) return answer(response, badBody(parsed.faults));
      const { request_id, application } = parsed.value;
      const received = { key: keyOf(request) ?? request_id, application };
      answer(response, postReply(insurer, received, call, clock.nowMs()));
    });

  const answerInsurer = (
    insurer: SimulatedInsurer,
    [resource, id, ...rest]: readonly string[],
    [request, response]: readonly [IncomingMessage, ServerResponse],
  ): void => {
    const isPost = resource === 'applications' && id === undefined;
    const isPoll = resource === 'quotes' && id !== undefined && rest.length === 0;
    if (!isPost && !isPoll) return answer(response, NOT_FOUND);
    const method = isPost ? 'POST' : 'GET';
    if (request.method !== method) return answer(response, notAllowed(method));
    response.once('close', insurer.counter.begin(clock.nowMs()));
    const call = isPost ? insurer.mark('post', keyOf(request) ?? '') : insurer.mark('poll', id ?? '');
    const refused = refusalOf(insurer, call);
    if (refused !== undefined) return answer(response, refused);
    if (isPost) return answerPost(insurer, call, [request, response]);
    answer(response, pollReply(insurer, id ?? '', call, clock.nowMs()));
  };

  const answerAdmin = (path: readonly string[], request: IncomingMessage, response: ServerResponse): void =>
    readBody(request, (body) =>
      answer(response, body === undefined ? TOO_LARGE : adminReply(insurers, request.method ?? '', path, body)));

  const health = (request: IncomingMessage): Reply =>
    request.method === 'GET' ? { status: 200, body: { status: 'ok' } } : notAllowed('GET');

  return createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    if (path === '/health/live' || path === '/health/ready') return answer(response, health(request));
    const [, first = '', ...rest] = path.split('/');
    if (first === 'admin') return answerAdmin(rest, request, response);
    const insurer = insurers.get(first);
    if (insurer === undefined) return answer(response, NOT_FOUND);
    answerInsurer(insurer, rest, [request, response]);
  });
};

/** Listens until stopped; then open calls are cut, as those of a company whose site goes down. */
export const simulatorService = (server: Server, log: Log, { port }: { port: number }): Service => ({
  name: 'simulator',
  run: (signal) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, () => log.info({ port }, 'simulated insurers are open'));
      signal.addEventListener('abort', () => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    }),
});
