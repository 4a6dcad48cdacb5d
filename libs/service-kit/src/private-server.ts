/**
 * The private port: `/health/live`, `/health/ready`, `/metrics`, and what an app adds for its operators. Live turns red only for what a restart mends; ready
 * says whether to send requests here. Both answer with every check by name, so an operator sees which one is red.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from './log.ts';
import type { Registry } from './metrics.ts';
import type { Service } from './service.ts';

/** Resolves to undefined when all is well, else to the reason. */
export type HealthCheck = () => Promise<string | undefined> | string | undefined;

/** Calls of operators beside health and metrics. Resolves to false for a path that is none of them. */
export type OperatorCalls = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export interface PrivateServerOptions {
  port: number;
  live: Readonly<Record<string, HealthCheck>>;
  ready: Readonly<Record<string, HealthCheck>>;
  operatorCalls?: OperatorCalls;
}

const answerHealth = async (
  checks: Readonly<Record<string, HealthCheck>>,
  response: ServerResponse,
): Promise<void> => {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        return [name, (await check()) ?? 'ok'] as const;
      } catch (error) {
        return [name, error instanceof Error ? error.message : 'failed'] as const;
      }
    }),
  );
  const ok = results.every(([, result]) => result === 'ok');
  response
    .writeHead(ok ? 200 : 503, { 'content-type': 'application/json' })
    .end(JSON.stringify({ status: ok ? 'ok' : 'failing', checks: Object.fromEntries(results) }));
};

/** Listens until stopped. It is stopped last, so that probes still get an answer during a drain. */
export const privateServer = (
  { log, metrics }: { log: Log; metrics: Registry },
  { port, live, ready, operatorCalls }: PrivateServerOptions,
): Service => ({
  name: 'private-server',
  run: (signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return resolve();
      const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
        const [path = ''] = (request.url ?? '').split('?');
        if (path === '/health/live') return answerHealth(live, response);
        if (path === '/health/ready') return answerHealth(ready, response);
        if (path === '/metrics') {
          const text = await metrics.metrics();
          response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
          return;
        }
        if (await operatorCalls?.(request, response, path)) return;
        response.writeHead(404).end();
      };
      const server = createServer((request, response) => {
        answer(request, response).catch((error: unknown) => {
          log.error({ error }, 'private port failed to answer');
          response.destroy();
        });
      });
      server.once('error', reject);
      server.listen(port, () => log.info({ port: (server.address() as AddressInfo).port }, 'private port open'));
      signal.addEventListener('abort', () => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    }),
});
