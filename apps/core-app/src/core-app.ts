/** core-app put together from its parts, in the order in which they stop. */
import type { InsurerSettings } from '@osago/contracts';
import { DeadLetters, type EventBus } from '@osago/event-bus';
import {
  type Clock,
  type HealthCheck,
  type Keyring,
  type Log,
  privateServer,
  type Registry,
  type Service,
} from '@osago/service-kit';
import type { Pool } from 'pg';
import { Access } from './access.ts';
import { Archive } from './archive.ts';
import { FraudWatch } from './fraud-watch.ts';
import { getHistory } from './get-history.ts';
import { cancelRequest } from './cancel-request.ts';
import { getInsurers } from './get-insurers.ts';
import { getQuotes } from './get-quotes.ts';
import { getRequest } from './get-request.ts';
import { getTariffs } from './get-tariffs.ts';
import { createHttpServer, httpServer } from './http-server.ts';
import { IdempotencySweep } from './idempotency-sweep.ts';
import { InsurerStates } from './insurer-states.ts';
import { Outbox } from './outbox.ts';
import { PlatformEpoch } from './platform-epoch.ts';
import { postRequest } from './post-request.ts';
import { QuotesBodies } from './quotes-body.ts';
import { Relay } from './relay.ts';
import { RequestCommands } from './request-commands.ts';
import { RequestReader } from './request-reader.ts';
import { CORE_APP_SOURCE, RequestStore } from './request-store.ts';
import { retryQuote } from './retry-quote.ts';
import { Showcase } from './showcase.ts';
import { ShowcaseFeed } from './showcase-feed.ts';
import { Streams, type StreamsOptions } from './streams.ts';
import { webPage } from './web-page.ts';

export interface CoreAppDeps {
  bus: EventBus;
  pool: Pool;
  logKeys: Keyring;
  storeKeys: Keyring;
  accessSecrets: ReadonlyMap<string, Buffer>;
  insurers: readonly InsurerSettings[];
  clock: Clock;
  log: Log;
  metrics: Registry;
  random: () => number;
}

export interface CoreAppOptions {
  port: number;
  privatePort: number;
  podName: string;
  redisUrl: string;
  streams: StreamsOptions;
  webDir: string | undefined;
}

export const createCoreApp = (deps: CoreAppDeps, options: CoreAppOptions): Service[] => {
  const { pool, log, metrics } = deps;
  const access = new Access(deps.accessSecrets);
  const epoch = new PlatformEpoch(deps);
  const showcase = new Showcase();
  const store = new RequestStore(deps);
  const relay = new Relay({ ...deps, outbox: new Outbox(pool) });
  const feed = new ShowcaseFeed({ ...deps, showcase });
  const bodies = new QuotesBodies({ ...deps, epoch, feed });
  const reader = new RequestReader({ pool, showcase, store });
  const streams = new Streams({ ...deps, access, reader, showcase, bodies }, options.streams);
  const states = new InsurerStates(deps, options);
  const commandDeps = { ...deps, commands: new RequestCommands(deps), reader, relay, showcase, bodies };
  const server = createHttpServer(
    {
      request: getRequest(commandDeps),
      cancel: cancelRequest(commandDeps),
      retry: retryQuote(commandDeps),
      insurers: getInsurers({ ...deps, states }),
      tariffs: getTariffs(deps),
      stream: streams.handle.bind(streams),
      quotes: getQuotes({ ...deps, reader, showcase, bodies }),
      history: getHistory({ ...deps, access, reader }),
      post: postRequest({ ...commandDeps, access, store, epoch }),
      page: options.webDir === undefined ? undefined : webPage(options.webDir),
    },
    { access, log },
  );
  const ready: Record<string, HealthCheck> = {
    streams: () => streams.readiness(),
    feed: () => feed.readiness(),
    epoch: () => epoch.readiness(),
    postgres: async () => {
      await pool.query('SELECT 1');
      return undefined;
    },
  };
  return [
    streams,
    httpServer(server, options.port, log),
    relay,
    feed,
    new Archive({ ...deps, deadLetters: new DeadLetters(deps, { source: CORE_APP_SOURCE }) }),
    epoch,
    states,
    new IdempotencySweep(deps),
    new FraudWatch(deps),
    privateServer({ log, metrics }, { port: options.privatePort, live: {}, ready }),
  ];
};
