/**
 * The OSAGO platform. `--url` is where it is (the edge, or one pod); its replicas and processes are read from the state
 * file of the running platform, OSAGO_STATE (`.platform/state.json`). Changes are not made, they are waited for: the
 * insurers answer. Shedding is offered when OSAGO_STREAMS_MAX says which STREAMS_MAX the pods were started with.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Adapter, SseEvent, Target, Versions } from '../src/index.ts';
import { openRaw, type RawStream } from '../src/index.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const APPLICATION = readFileSync(join(ROOT, 'docs/examples/application.json'), 'utf8');

interface Pod {
  url: string;
  private_url: string;
  pid: number;
}

interface Quote {
  insurer_id: string;
  status: string;
  attempt: number;
  final: boolean;
  late: boolean;
}

interface QuotesBody {
  status: string;
  quotes: Quote[];
}

const podsOf = (): Pod[] => {
  const file = process.env['OSAGO_STATE'] ?? join(ROOT, '.platform/state.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { core_app: Pod[] }).core_app;
};

/** The longest hold of `GET …/quotes` is 30 s. */
const WAIT_S = 10;
/** A request ends at its deadline of 60 s, and a second by the clock. */
const REQUEST_MS_MAX = 75_000;

const OPEN_STATUSES = ['waiting', 'submitted', 'estimated'];

/** A leg only goes up: through the statuses of an attempt, then to a late answer, then to the next attempt. */
const versionOf = ({ status, attempt, late }: Quote): number => {
  const step = OPEN_STATUSES.indexOf(status);
  const rank = step >= 0 ? step : OPEN_STATUSES.length;
  return attempt * 10 + rank + (late ? 1 : 0);
};

const versionsOf = (quotes: readonly Quote[]): Versions =>
  Object.fromEntries(quotes.map((quote) => [quote.insurer_id, versionOf(quote)]));

const quotesUrl = ({ url }: Target): string => url.replace(/\/stream$/, '/quotes');

const getQuotes = async (target: Target, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(quotesUrl(target), { headers: { ...target.headers, ...headers } });

const post = async (origin: string): Promise<Target> => {
  const response = await fetch(`${origin}/api/osago/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: APPLICATION,
  });
  if (response.status !== 201) throw new Error(`POST of the application: ${response.status} ${await response.text()}`);
  const { request_id, access_token } = (await response.json()) as { request_id: string; access_token: string };
  return {
    url: `${origin}/api/osago/requests/${request_id}/stream`,
    headers: { Authorization: `Bearer ${access_token}` },
  };
};

const openStreamsOf = async ({ private_url }: Pod): Promise<number> => {
  const metrics = await (await fetch(`${private_url}/metrics`)).text();
  return Number(/^osago_streams_open(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? NaN);
};

const onPod = (target: Target, { url }: Pod): Target => ({ ...target, url: `${url}${new URL(target.url).pathname}` });

/** False when the request is finished. */
const nextChange = async (target: Target): Promise<boolean> => {
  const now = await getQuotes(target);
  const { status } = (await now.json()) as QuotesBody;
  if (status !== 'in_progress') return false;
  const next = await getQuotes(target, { 'If-None-Match': now.headers.get('etag') ?? '', Prefer: `wait=${WAIT_S}` });
  return next.status === 200 || nextChange(target);
};

/** For a platform that cannot cancel: the deadline of a request ends it. */
const hasEnded = async (target: Target): Promise<void> => {
  const endMs = performance.now() + REQUEST_MS_MAX;
  while (await nextChange(target)) if (performance.now() > endMs) throw new Error('the request does not end');
};

/** As many as the pod takes; each is open before the next is asked. */
const fill = async (target: Target, streamsMax: number): Promise<RawStream[]> => {
  const streams: RawStream[] = [];
  for (let count = 0; count < streamsMax; count += 1)
    streams.push(await openRaw({ url: target.url, headers: target.headers ?? {}, headMs: 5_000 }));
  return streams;
};

export default (url: string): Adapter => {
  const { origin } = new URL(url);
  const streamsMax = Number(process.env['OSAGO_STREAMS_MAX'] ?? NaN);
  return {
    open: () => post(origin),
    read: ({ event, data }: SseEvent) => {
      if (event === 'snapshot') return { as: 'snapshot', versions: versionsOf((JSON.parse(data) as QuotesBody).quotes) };
      if (event === 'quote') return { as: 'change', versions: versionsOf([JSON.parse(data) as Quote]) };
      return undefined;
    },
    makeChange: nextChange,
    truth: async (target) => versionsOf(((await (await getQuotes(target)).json()) as QuotesBody).quotes),
    replicas: (target) => podsOf().map((pod) => onPod(target, pod)),
    openStreams: async () => (await Promise.all(podsOf().map(openStreamsOf))).reduce((sum, count) => sum + count, 0),
    finish: async (target) => {
      const cancelled = await fetch(target.url.replace(/\/stream$/, ''), { method: 'DELETE', headers: { ...target.headers } });
      if (!cancelled.ok) await hasEnded(target);
    },
    isTerminal: ({ event }) => event === 'done' || event === 'timeout',
    ...(streamsMax > 0 && {
      shed: async () => {
        const [pod] = podsOf();
        if (pod === undefined) throw new Error('no pod runs');
        const target = onPod(await post(origin), pod);
        const streams = await fill(target, streamsMax);
        return {
          target,
          undo: () => {
            for (const stream of streams) stream.close();
            return Promise.resolve();
          },
        };
      },
    }),
    drain: () => {
      for (const { pid } of podsOf()) process.kill(pid, 'SIGTERM');
      return Promise.resolve();
    },
  };
};
