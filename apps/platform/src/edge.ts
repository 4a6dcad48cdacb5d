/**
 * The local stand-in for a load balancer: one address, several pods of core-app in turn, bytes passed on as they come in
 * both directions. A request moves on to the next pod only while nothing can have happened yet.
 *
 * Its own errors are a 502 problem+json, except on stream routes: a native EventSource gives up for ever on a 5xx, so
 * there the answer is an empty stream that asks to come back.
 */
import { randomInt } from 'node:crypto';
import { Agent, createServer, type IncomingMessage, request as askPod, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { Log, Service } from '@osago/service-kit';
import type { EdgePods, Pod } from './edge-pods.ts';

/** Longer than the longest wait that core-app grants (`Prefer: wait=30`). */
const ANSWER_TIMEOUT_MS = 40_000;
/** Longer than a browser keeps an idle connection, so that it is never closed under a request. */
const KEEP_ALIVE_MS = 75_000;
const RETRY_MS = [2000, 5000] as const;
/** What is open when the edge is stopped, after all pods have drained, belongs to clients that do not read. */
const STOP_GRACE_MS = 500;

/** As pods match it: in any case, and with a slash behind it. */
const STREAM_PATH = /^\/api\/osago\/requests\/[^/]+\/stream\/?$/i;

/** Headers of one connection, not of the message (RFC 9110, 7.6.1). `connection: close` of an answer does pass. */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'expect',
]);

/** Name and value in turn, as Node holds them: repeated ones stay apart. */
const endToEnd = (raw: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
};

const toPod = (request: IncomingMessage): string[] => {
  const kept = endToEnd(request.rawHeaders);
  const others: string[] = [];
  for (let at = 0; at < kept.length; at += 2) {
    if (kept[at]?.toLowerCase() !== 'x-forwarded-for') others.push(...kept.slice(at, at + 2));
  }
  const before = request.headers['x-forwarded-for'];
  const chain = [before ?? [], request.socket.remoteAddress ?? []].flat().join(', ');
  const framing = hasBody(request) && !request.headers['content-length'] ? ['Transfer-Encoding', 'chunked'] : [];
  return [...others, 'X-Forwarded-For', chain, ...framing];
};

const toClient = (answer: IncomingMessage): string[] => [
  ...endToEnd(answer.rawHeaders),
  ...(answer.headers.connection === 'close' ? ['Connection', 'close'] : []),
];

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const isStream = ({ method, url = '' }: IncomingMessage): boolean =>
  method === 'GET' && STREAM_PATH.test(url.split('?')[0] ?? '');

/** No pod could answer. */
const answerItself = (request: IncomingMessage, response: ServerResponse, detail: string): void => {
  if (isStream(request)) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' });
    response.end(`retry: ${randomInt(...RETRY_MS)}\n\n`);
    return;
  }
  const problem = { type: 'about:blank', title: 'Bad Gateway', status: 502, detail };
  response.writeHead(502, { 'content-type': 'application/problem+json', 'retry-after': '1', connection: 'close' });
  response.end(JSON.stringify(problem));
};

/** A new connection for what must not be sent twice: a kept one may be closed by the pod in the same moment. */
const keptConnections = new Agent({ keepAlive: true });

type Outcome = 'answered' | 'not sent' | 'unanswered';

/** Resolves as soon as an answer begins, or cannot. */
const passTo = (pod: Pod, request: IncomingMessage, response: ServerResponse): Promise<Outcome> =>
  new Promise((resolve) => {
    const body = hasBody(request);
    const upstream = askPod({
      host: pod.url.hostname,
      port: pod.url.port,
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: toPod(request),
      setHost: false,
      agent: body || request.method !== 'GET' ? false : keptConnections,
    });
    let sent = false;
    const late = setTimeout(() => upstream.destroy(new Error('no answer in time')), ANSWER_TIMEOUT_MS);
    const gone = (): void => void upstream.destroy();
    response.once('close', gone);
    const end = (outcome: Outcome): void => {
      clearTimeout(late);
      resolve(outcome);
    };
    upstream.once('socket', (socket) => {
      const connected = (): void => {
        sent = true;
        if (body) request.pipe(upstream);
      };
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    if (!body) upstream.end();
    upstream.once('response', (answer) => {
      end('answered');
      response.off('close', gone);
      response.writeHead(answer.statusCode ?? 502, toClient(answer));
      response.flushHeaders();
      // Cuts either side when the other is cut.
      pipeline(answer, response, () => undefined);
    });
    upstream.once('error', () => {
      response.off('close', gone);
      end(sent ? 'unanswered' : 'not sent');
    });
  });

const pass = async (pods: EdgePods, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const repeatable = request.method === 'GET' || request.method === 'HEAD';
  for (const pod of pods.inTurn()) {
    const outcome = await passTo(pod, request, response);
    if (outcome === 'answered' || response.destroyed) return;
    pods.failed(pod);
    if (outcome === 'unanswered' && !repeatable) {
      return answerItself(request, response, 'The pod that got the request ended before it answered.');
    }
  }
  answerItself(request, response, 'No pod of core-app is ready.');
};

export const createEdge = (pods: EdgePods, log: Log): Server => {
  const server = createServer((request, response) => {
    pass(pods, request, response).catch((error: unknown) => {
      log.error({ error }, 'could not pass a request on');
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
};

export const edgeService = (server: Server, port: number): Service => ({
  name: 'edge',
  run: (signal) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port);
      signal.addEventListener('abort', () => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS).unref();
      });
    }),
});
