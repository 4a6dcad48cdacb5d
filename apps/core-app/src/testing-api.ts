/** Test kit: the public port over a real socket, with a clock that stands still and no parts behind it. */
import { DEFAULT_RULE_SETTINGS } from '@osago/quotes';
import { createMetrics, type Registry } from '@osago/service-kit';
import { Access } from './access.ts';
import { getHistory } from './get-history.ts';
import { getInsurers } from './get-insurers.ts';
import { getQuotes } from './get-quotes.ts';
import { getTariffs } from './get-tariffs.ts';
import { createHttpServer } from './http-server.ts';
import type { OutboxRow } from './outbox.ts';
import { postRequest } from './post-request.ts';
import { QuotesBodies } from './quotes-body.ts';
import type { Submission, SubmitResult } from './request-store.ts';
import { Showcase, type Shown } from './showcase.ts';
import { Streams, type StreamsOptions } from './streams.ts';
import { type Cleanup, PARTITION, rememberingLog, REQUEST_ID, submitted, TestClock } from './testing-events.ts';
import { closeServer, listen } from './testing-http.ts';

export const EPOCH = 'e1';
export const INSURERS = ['alpha', 'beta'].map((insurer_id) => ({
  insurer_id,
  name: insurer_id.toUpperCase(),
  base_url: 'http://127.0.0.1:9',
  adapter: 'standard' as const,
  rate_per_s: 1,
  burst: 1,
  concurrency: 1,
  deadline_ms: 60_000,
  post_timeout_ms: 1_000,
  cache_hours: 0,
}));

/** The reader, and what a test does to it. */
class FakeReader {
  readonly showcase: Showcase;
  reads = 0;
  failure: Error | undefined;
  /** Runs between what is read and the one who reads. */
  afterRead: () => void = () => undefined;
  #gate: Promise<void> = Promise.resolve();

  constructor(showcase: Showcase) {
    this.showcase = showcase;
  }

  async read(requestId: string): Promise<Shown | undefined> {
    this.reads += 1;
    await this.#gate;
    if (this.failure) throw this.failure;
    const shown = this.showcase.get(requestId);
    this.afterRead();
    return shown;
  }

  readListed(): Promise<Shown[]> {
    return Promise.reject(new Error('no request is listed here'));
  }

  /** Every read waits until the result is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => (open = resolve));
    return () => open();
  }
}

class FakeStore {
  readonly submissions: Submission[] = [];
  /** Otherwise every submission is a new request. */
  result: SubmitResult | Error | undefined;

  findOwner(): Promise<Buffer | undefined> {
    return Promise.resolve(undefined);
  }

  submit(submission: Submission): Promise<SubmitResult> {
    this.submissions.push(submission);
    if (this.result instanceof Error) return Promise.reject(this.result);
    if (this.result) return Promise.resolve(this.result);
    const event = submitted({ alpha: 60_000, beta: 60_000 }, submission.request_id);
    const { accepted_at, deadline_at, panel, tariff } = event.data;
    const request = { request_id: submission.request_id, partition: PARTITION, accepted_at, deadline_at, panel, tariff };
    const outbox: OutboxRow = {
      id: '1',
      request_id: submission.request_id,
      event_id: event.id,
      topic: 'osago.requests.v1',
      partition: PARTITION,
      key: submission.request_id,
      value: Buffer.from('{}'),
      traceparent: submission.traceparent,
    };
    return Promise.resolve({ kind: 'created', request, event, outbox });
  }
}

/** Of `Prefer: wait`. */
export const HELD_MAX = 5;
export const STREAMS_OPTIONS: StreamsOptions = {
  streamsMax: 100,
  perOwnerMax: 100,
  pendingBytesMax: 256 * 1_024,
  pendingBytesSumMax: 1_024 * 1_024,
  stalledMs: 10_000,
  drainMs: 5_000,
};

/** What the history finds is tested on a real one. */
const postgresAway = {
  query: (): Promise<never> => Promise.reject(Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' })),
};

/** Commands and what is stored are tested on a real Postgres. */
const refused = (): Promise<never> => Promise.reject(new Error('no command is carried out here'));
const commandsWithoutPostgres = { request: refused, cancel: refused, retry: refused };

export interface TestApi {
  origin: string;
  clock: TestClock;
  showcase: Showcase;
  access: Access;
  bodies: QuotesBodies;
  reader: FakeReader;
  store: FakeStore;
  readiness: () => string | undefined;
  metrics: Registry;
  log: ReturnType<typeof rememberingLog>;
  /** What the relay was handed. */
  sent: OutboxRow[];
  feed: { stale: boolean; isStale(): boolean };
  /** Of every partition of every topic; undefined while the broker is away. */
  logEnd: { offset: bigint | undefined };
  /** The credential of REQUEST_ID. */
  authorization: { authorization: string };
  /** Starts the drain; resolves when it is over. */
  drain: () => Promise<void>;
}

export const startTestApi = async (
  cleanup: Cleanup,
  streamsOptions: Partial<StreamsOptions> = {},
): Promise<TestApi> => {
  const clock = new TestClock();
  const log = rememberingLog();
  const metrics = createMetrics('core-app');
  const showcase = new Showcase();
  const access = new Access(new Map([['k1', Buffer.alloc(32, 1)]]));
  const feed = {
    stale: false,
    isStale() {
      return this.stale;
    },
  };
  const epoch = { epoch: EPOCH };
  const bodies = new QuotesBodies({ epoch, feed, clock });
  const reader = new FakeReader(showcase);
  const store = new FakeStore();
  const sent: OutboxRow[] = [];
  const relay = { send: (row: OutboxRow) => void sent.push(row) };
  const logEnd: TestApi['logEnd'] = { offset: 1_000_000n };
  const endOffsets = (): Promise<bigint[]> => {
    const { offset } = logEnd;
    return offset === undefined
      ? Promise.reject(new Error('the broker is away'))
      : Promise.resolve(Array.from({ length: PARTITION + 1 }, () => offset));
  };
  const deps = { bus: { endOffsets }, access, reader, showcase, bodies, clock, log, metrics, random: () => 0.25, rules: DEFAULT_RULE_SETTINGS };
  const streams = new Streams(deps, { ...STREAMS_OPTIONS, ...streamsOptions });
  const server = createHttpServer(
    {
      stream: streams.handle.bind(streams),
      quotes: getQuotes({ ...deps, draining: streams.draining }, { heldMax: HELD_MAX }),
      history: getHistory({ ...deps, pool: postgresAway }),
      post: postRequest({ ...deps, store, commands: { openApplication: refused }, relay, epoch, insurers: INSURERS }),
      insurers: getInsurers({ insurers: INSURERS, states: { stateOf: () => Promise.resolve('unknown') } }),
      tariffs: getTariffs(deps),
      ...commandsWithoutPostgres,
    },
    { ...deps, draining: streams.draining },
  );
  const origin = await listen(server);
  const stop = new AbortController();
  const running = streams.run(stop.signal);
  const drain = (): Promise<void> => {
    stop.abort();
    return running;
  };
  cleanup.add(async () => {
    await drain();
    await closeServer(server);
  });
  const authorization = { authorization: `Bearer ${access.token(REQUEST_ID)}` };
  const readiness = (): string | undefined => streams.readiness();
  return { origin, clock, showcase, access, bodies, reader, store, readiness, metrics, log, sent, feed, logEnd, authorization, drain };
};

/** How many connections to the stream route went this way. */
export const streamsThat = async (metrics: Registry, result: string): Promise<number> => {
  const counter = await metrics.getSingleMetric('osago_streams_total')?.get();
  return counter?.values.find(({ labels }) => labels['result'] === result)?.value ?? 0;
};
