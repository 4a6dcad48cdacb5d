/** The public port. The stream is a plain handler in front of Express, which costs each stream some kilobytes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { API_PREFIX, faultOf, faultsIn, preferredLanguage } from '@osago/contracts';
import type { Log, Service } from '@osago/service-kit';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler, type Router } from 'express';
import type { Access } from './access.ts';
import { PostgresAwayError } from './postgres-away.ts';
import { answerProblem, HttpProblem } from './problem.ts';

/** A whole application is some 3 KB. */
const BODY_BYTES_MAX = 64 * 1_024;
const KEEP_ALIVE_MS = 65_000;
/** After the streams are drained, for requests that are being answered. */
const CLOSE_MS = 2_000;

type RequestRoute = (
  requestId: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>;

type OpenRoute = (query: URLSearchParams, request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Routes {
  stream: RequestRoute;
  quotes: RequestRoute;
  request: RequestRoute;
  cancel: RequestRoute;
  retry: (
    ids: readonly [requestId: string, insurerId: string],
    body: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<void>;
  history: OpenRoute;
  insurers: OpenRoute;
  tariffs: OpenRoute;
  post: (body: unknown, request: IncomingMessage, response: ServerResponse) => Promise<void>;
  page?: Router | undefined;
}

/** As Express takes paths: in any case, with or without a last slash, and after the origin that some proxies send along. */
const STREAM_PATH = new RegExp(`^(?:https?://[^/]+)?${API_PREFIX}/requests/([^/]+)/stream/?$`, 'i');

const queryOf = (request: IncomingMessage): URLSearchParams => {
  const url = request.url ?? '';
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
};

const nothingHere = (): HttpProblem => new HttpProblem(404, 'there is nothing at this path');

/** What Express throws itself: of a body, which only a POST has, or of a path that it cannot decode. */
const expressProblem = (
  error: { type?: unknown; status?: unknown },
  { method }: Pick<IncomingMessage, 'method'>,
): HttpProblem | undefined => {
  if (error.type === 'entity.too.large') return new HttpProblem(413);
  if (typeof error.status !== 'number' || error.status < 400 || error.status > 499) return undefined;
  if (method !== 'POST' || error instanceof URIError) return nothingHere();
  return new HttpProblem(400, undefined, [faultOf('', 'invalid_json')]);
};

const problemOf = (error: unknown, request: IncomingMessage): HttpProblem | undefined => {
  if (error instanceof HttpProblem) return error;
  if (error instanceof PostgresAwayError) return new HttpProblem(503);
  return expressProblem(error as { type?: unknown; status?: unknown }, request);
};

/** Faults are told in the language that the caller likes best. */
const inWordsFor = (request: IncomingMessage, problem: HttpProblem): HttpProblem =>
  problem.faults === undefined
    ? problem
    : new HttpProblem(problem.status, problem.message, faultsIn(preferredLanguage(request.headers['accept-language']), problem.faults));

const errorHandler =
  (log: Log): ErrorRequestHandler =>
  (error: unknown, request, response, _next) => {
    const problem = problemOf(error, request);
    if (error instanceof PostgresAwayError) log.warn({ error }, 'answered 503');
    if (problem === undefined) log.error({ error, method: request.method, url_path: request.path }, 'request failed');
    answerProblem(response, inWordsFor(request, problem ?? new HttpProblem(500)));
  };

const createExpress = (routes: Routes, { access, log }: { access: Access; log: Log }): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const offersOnly =
    (allow: string): RequestHandler =>
    (_request, response) => {
      response.set('allow', allow);
      throw new HttpProblem(405);
    };
  // Any content type: a client that forgot the header still means JSON.
  const json = express.json({ limit: BODY_BYTES_MAX, strict: false, type: () => true });
  /** The credential is looked at before anything else. */
  const allowed = (request: Request<{ request_id: string }>): [requestId: string, query: URLSearchParams] => {
    const query = queryOf(request);
    const requestId = request.params.request_id.toLowerCase();
    access.check(request, requestId, query);
    return [requestId, query];
  };
  const ofRequest =
    (route: RequestRoute): RequestHandler<{ request_id: string }> =>
    (request, response) =>
      route(...allowed(request), request, response);
  const open =
    (route: OpenRoute): RequestHandler =>
    (request, response) =>
      route(queryOf(request), request, response);
  app
    .route(`${API_PREFIX}/requests`)
    .get(open(routes.history))
    .post(json, (request, response) => routes.post(request.body, request, response))
    .all(offersOnly('GET, HEAD, POST'));
  app
    .route(`${API_PREFIX}/requests/:request_id`)
    .get(ofRequest(routes.request))
    .delete(ofRequest(routes.cancel))
    .all(offersOnly('GET, HEAD, DELETE'));
  app
    .route(`${API_PREFIX}/requests/:request_id/quotes`)
    .get(ofRequest(routes.quotes))
    .all(offersOnly('GET, HEAD'));
  app
    .route(`${API_PREFIX}/requests/:request_id/quotes/:insurer_id/retry`)
    .post(
      (request, _response, next) => {
        allowed(request);
        next();
      },
      json,
      (request, response) => {
        const [requestId] = allowed(request);
        return routes.retry([requestId, request.params.insurer_id], request.body, request, response);
      },
    )
    .all(offersOnly('POST'));
  app.route(`${API_PREFIX}/insurers`).get(open(routes.insurers)).all(offersOnly('GET, HEAD'));
  app.route(`${API_PREFIX}/tariffs`).get(open(routes.tariffs)).all(offersOnly('GET, HEAD'));
  app.route(`${API_PREFIX}/requests/:request_id/stream`).all(offersOnly('GET'));
  if (routes.page) app.use(routes.page);
  app.use(() => {
    throw nothingHere();
  });
  app.use(errorHandler(log));
  return app;
};

export interface HttpServerDeps {
  access: Access;
  log: Log;
  /** Aborts when the pod is about to stop: then nobody comes back by the same connection. */
  draining: AbortSignal;
}

/** Streams go past Express; everything else through it. */
export const createHttpServer = (routes: Routes, deps: HttpServerDeps): Server => {
  const app = createExpress(routes, deps);
  return createServer((request, response) => {
    if (deps.draining.aborted) response.shouldKeepAlive = false;
    const [path = ''] = (request.url ?? '').split('?');
    const requestId = request.method === 'GET' ? STREAM_PATH.exec(path)?.[1] : undefined;
    if (requestId === undefined) app(request, response);
    else void routes.stream(requestId.toLowerCase(), queryOf(request), request, response);
  });
};

export const httpServer = (server: Server, port: number, log: Log): Service => ({
  name: 'http-server',
  run: (signal) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      // Longer than proxies keep theirs (60 s), or they send on a connection that is just being closed.
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      // A storm of reconnects waits in the backlog, not for a repeated SYN a second later.
      server.listen({ port, backlog: 4_096 }, () => {
        log.info({ port }, 'public port open');
      });
      signal.addEventListener('abort', () => {
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
        setTimeout(() => {
          server.closeAllConnections();
        }, CLOSE_MS).unref();
      });
    }),
});
