/**
 * The standard insurer protocol (design §7a) over HTTP for all simulated insurers, each under its own path, and what
 * they counted. Plain `node:http`: the simulator must never be what a measurement of the platform measures.
 *
 * It never answers 5xx. A failing insurer says so in its answer; what a caller does wrong is a 4xx.
 */
import {
  createServer, type IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse,
} from 'node:http';
import { checker, type Fault, InsurerApplication } from '@osago/contracts';
import type { Clock, Log, Service } from '@osago/service-kit';
import { answerAt, answersInPost, type Plan } from './behaviour.ts';
import type { Profile } from './profile.ts';
import { type Counters, SimulatedInsurer } from './simulated-insurer.ts';

/** An application has about 2 kB; the aggregator calls 256 KB malformed too. */
const BODY_BYTES_MAX = 256 * 1024;

/** Applications of all insurers together, about 1 kB each. */
const REMEMBERED_MAX = 200_000;

/** Node's longest timer; every real delay is far below. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The reply to a request; `afterMs` holds it back. */
interface Reply {
  status: number;
  body: unknown;
  headers?: OutgoingHttpHeaders;
  afterMs?: number;
}

export interface SimulatorOptions {
  profiles: readonly Profile[];
  seed: number;
  /** Divides every delay, also those in Retry-After. */
  speed: number;
}

const check = checker(InsurerApplication);

const refusal = (status: number, detail: string, headers: OutgoingHttpHeaders = {}): Reply => ({
  status,
  body: { detail },
  headers,
});

const NOT_FOUND = refusal(404, 'no such path');
const TOO_LARGE = refusal(413, 'the body is too large', { connection: 'close' });
const notAllowed = (allow: string): Reply => refusal(405, `only ${allow} is allowed here`, { allow });

const badBody = (errors: readonly Fault[]): Reply => ({
  status: 400,
  body: { detail: 'the body is not the protocol', errors },
});

const send = (response: ServerResponse, { status, body, headers }: Reply): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers })
    .end(bytes);
};

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

/** Whole seconds have no need of decimals; shorter pauses of a fast simulator do. */
const seconds = (value: number): string => String(Number(value.toFixed(3)));

const postReply = (insurer: SimulatedInsurer, plan: Plan, nowMs: number): Reply => {
  if (!answersInPost(insurer.behaviour, plan)) {
    return { status: 201, body: { application_id: plan.applicationId, status: 'pending' } };
  }
  const afterMs = Math.min(Math.max(plan.readyAtMs - nowMs, 0), TIMER_MS_MAX);
  const status = plan.outcome.status === 'ready' ? 200 : 422;
  return { status, body: answerAt(plan, plan.readyAtMs), afterMs };
};

const pollReply = (insurer: SimulatedInsurer, applicationId: string, nowMs: number): Reply => {
  const plan = insurer.poll(applicationId);
  if (plan === undefined) return refusal(404, 'no such application');
  const answer = answerAt(plan, nowMs);
  const { profile, speed } = insurer.behaviour;
  if (answer.status !== 'pending' || profile.poll_hint_s === undefined) return { status: 200, body: answer };
  return { status: 200, body: answer, headers: { 'retry-after': seconds(profile.poll_hint_s / speed) } };
};

/** A server that does not listen yet. */
export const createSimulator = (clock: Clock, { profiles, seed, speed }: SimulatorOptions): Server => {
  const rememberedMax = Math.max(1, Math.floor(REMEMBERED_MAX / profiles.length));
  const insurers = new Map(
    profiles.map((profile) => [
      profile.insurer_id,
      new SimulatedInsurer({ profile, seed, speed }, clock, { rememberedMax }),
    ]),
  );

  const counters = (): Record<string, Counters> =>
    Object.fromEntries([...insurers].map(([id, insurer]) => [id, insurer.counters]));

  const answer = (response: ServerResponse, reply: Reply): void => {
    if (!reply.afterMs) return send(response, reply);
    const timer = setTimeout(() => send(response, reply), reply.afterMs);
    response.once('close', () => clearTimeout(timer));
  };

  const callMs = ({ behaviour }: SimulatedInsurer): number => behaviour.profile.call_ms / speed;

  const answerPost = (insurer: SimulatedInsurer, request: IncomingMessage, response: ServerResponse): void =>
    readBody(request, (body) => {
      if (body === undefined) return answer(response, TOO_LARGE);
      const parsed = parse(body);
      if (!parsed.ok) return answer(response, badBody(parsed.faults));
      const { request_id, application } = parsed.value;
      const key = String(request.headers['idempotency-key'] ?? request_id);
      const plan = insurer.receive({ key, application });
      const reply = postReply(insurer, plan, clock.nowMs());
      answer(response, { afterMs: callMs(insurer), ...reply });
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
    const { limit } = insurer.behaviour.profile;
    response.once('close', insurer.begin());
    if (!insurer.admit()) {
      const retryAfter = seconds((limit?.retry_after_s ?? 1) / speed);
      return answer(response, refusal(429, 'too many calls', { 'retry-after': retryAfter }));
    }
    if (isPost) return answerPost(insurer, request, response);
    answer(response, { afterMs: callMs(insurer), ...pollReply(insurer, id ?? '', clock.nowMs()) });
  };

  return createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    if (path === '/admin/counters' || path === '/health/live' || path === '/health/ready') {
      if (request.method !== 'GET') return answer(response, notAllowed('GET'));
      return answer(response, { status: 200, body: path === '/admin/counters' ? counters() : { status: 'ok' } });
    }
    const [, insurerId = '', ...rest] = path.split('/');
    const insurer = insurers.get(insurerId);
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
