/** core-app put together from its parts, in the order in which they stop. */
import type { InsurerSettings } from '@osago/contracts';
import { DeadLetters, type EventBus } from '@osago/event-bus';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from '@osago/quotes';
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
import { Archive, findArchivedOffsets } from './archive.ts';
import { FeedLag } from './feed-lag.ts';
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
import { LogEnds } from './log-ends.ts';
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
import { ShowcaseEviction } from './showcase-eviction.ts';
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
  /** Of OSAGO; those of @osago/quotes where none are given. */
  rules?: RuleSettings;
}

export interface CoreAppOptions {
  port: number;
  privatePort: number;
  podName: string;
  redisUrl: string;
  streams: StreamsOptions;
  webDir: string | undefined;
}

export const createCoreApp = (given: CoreAppDeps, options: CoreAppOptions): Service[] => {
  const deps = { rules: DEFAULT_RULE_SETTINGS, ...given };
  const { pool, log, metrics } = deps;
  const access = new Access(deps.accessSecrets);
  const epoch = new PlatformEpoch(deps);
  const showcase = new Showcase();
  const store = new RequestStore(deps);
  const relay = new Relay({ ...deps, outbox: new Outbox(pool) });
  const feed = new ShowcaseFeed({ ...deps, showcase });
  const lag = new FeedLag({ ...deps, feed });
  const freshness = { isStale: () => feed.isStale() || lag.isBehind() };
  const bodies = new QuotesBodies({ ...deps, epoch, feed: freshness });
  const reader = new RequestReader({ pool, showcase, store });
  const resume = { ...deps, bus: new LogEnds(deps), reader, showcase, bodies };
  const streams = new Streams({ ...resume, access }, options.streams);
  const states = new InsurerStates(deps, options);
  const commandDeps = { ...deps, access, commands: new RequestCommands(deps), reader, relay, showcase, bodies };
  const server = createHttpServer(
    {
      request: getRequest(commandDeps),
      cancel: cancelRequest(commandDeps),
      retry: retryQuote(commandDeps),
      insurers: getInsurers({ ...deps, states }),
      tariffs: getTariffs(deps),
      stream: streams.handle.bind(streams),
      quotes: getQuotes({ ...resume, draining: streams.draining }),
      history: getHistory({ ...deps, access, reader }),
      post: postRequest({ ...commandDeps, store, epoch }),
      page: options.webDir === undefined ? undefined : webPage(options.webDir),
    },
    { access, log, draining: streams.draining },
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
    lag,
    new Archive({ ...deps, deadLetters: new DeadLetters(deps, { source: CORE_APP_SOURCE }) }),
    new ShowcaseEviction({ ...deps, showcase, archivedOffsets: (ids) => findArchivedOffsets(pool, ids) }),
    epoch,
    states,
    new IdempotencySweep(deps),
    new FraudWatch(deps, deps.rules),
    privateServer({ log, metrics }, { port: options.privatePort, live: { feed: () => lag.liveness() }, ready }),
  ];
};
