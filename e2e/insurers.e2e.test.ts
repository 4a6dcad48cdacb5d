/** The platform against insurers that it did not bring: another implementation of the protocol, by INSURERS_FILE. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InsurerStandIn, SCRIPTS } from './insurer-stand-in.ts';
import { newDir, ROOT, type RunningPlatform, startPlatform, until } from './platform.ts';
import { openStream, type SseEvent } from './sse-parser.ts';

/** Shorter than the default minute, so that the silent insurer is over soon; time for five polls on a busy machine. */
const DEADLINE_MS = 20_000;
/** What takes seconds where nothing else runs. */
const SOON_MS = 60_000;
const APPLICATION = JSON.parse(
  readFileSync(join(ROOT, 'docs/examples/application.json'), 'utf8'),
) as Record<string, unknown>;

interface Posted {
  request_id: string;
  access_token: string;
  panel: { insurer_id: string }[];
}

interface Quote {
  insurer_id: string;
  status: string;
  premium_kopecks?: number;
  missing_fields?: string[];
}

/** What an event says of the insurer that estimates first. */
const statusesIn = ({ event, data }: SseEvent): string[] => {
  const shown = JSON.parse(data) as Quote & { quotes?: Quote[] };
  const quotes = event === 'snapshot' ? (shown.quotes ?? []) : event === 'quote' ? [shown] : [];
  return quotes.filter(({ insurer_id }) => insurer_id === 'estimating').map(({ status }) => status);
};

let platform: RunningPlatform;
const standIn = new InsurerStandIn(SCRIPTS);

/** Of what has been started, although the next thing may not have come; the last first. */
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  stops.unshift(() => standIn.close());
  const origin = await standIn.listen();
  const file = join(newDir(), 'insurers.yaml');
  const entries = Object.keys(SCRIPTS).map(
    (name) =>
      `- insurer_id: ${name}\n  name: The ${name} one\n  base_url: ${origin}/${name}\n  deadline_ms: ${DEADLINE_MS}\n`,
  );
  writeFileSync(file, entries.join(''));
  platform = await startPlatform(['--port', '0'], { env: { INSURERS_FILE: file } });
  stops.unshift(() => platform.stop());
}, 300_000);

afterAll(async () => {
  for (const stop of stops) await stop();
}, 60_000);

describe('ten insurers of another make', () => {
  test('each leg ends with the outcome that its insurer gave', async () => {
    const { url } = platform.state();
    const response = await fetch(`${url}/api/osago/requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(APPLICATION),
    });
    expect(response.status).toBe(201);
    const posted = (await response.json()) as Posted;
    const stream = await openStream(`${url}/api/osago/requests/${posted.request_id}/stream`, {
      authorization: `Bearer ${posted.access_token}`,
    });
    const seenStatuses = (): string[] => [...new Set(stream.parser.events.flatMap(statusesIn))];
    await until(
      'the estimate is shown',
      () => (seenStatuses().includes('estimated') ? true : undefined),
      DEADLINE_MS,
    );
    SCRIPTS['estimating']!.poll = SCRIPTS['sync']!.post;
    await stream.ended;
    const kinds = stream.parser.events.map(({ event }) => event);
    expect(kinds.slice(0, 2)).toEqual(['snapshot', 'heartbeat']);
    expect(kinds.at(-1)).toBe('timeout');

    const body = (await fetch(`${url}/api/osago/requests/${posted.request_id}/quotes`, {
      headers: { authorization: `Bearer ${posted.access_token}` },
    }).then((answer) => answer.json())) as { quotes: Quote[]; status: string };
    const statuses = Object.fromEntries(body.quotes.map((quote) => [quote.insurer_id, quote.status]));
    expect(statuses).toEqual(
      Object.fromEntries(Object.entries(SCRIPTS).map(([name, { ends }]) => [name, ends])),
    );
    expect(body.status).toBe('partial');
    expect(body.quotes.find(({ insurer_id }) => insurer_id === 'sync')?.premium_kopecks).toBe(512_300);
    expect(body.quotes.find(({ insurer_id }) => insurer_id === 'wants')?.missing_fields).toEqual([
      '/drivers/0/licence',
    ]);
    // Whether its first steps came before the snapshot is chance, their order is not.
    expect(['waiting', 'submitted', 'estimated', 'quoted'].join()).toMatch(new RegExp(`${seenStatuses().join()}$`));
  }, 120_000);

  test('every POST of a leg carries the same idempotency key and the whole application', () => {
    for (const [name, { posts }] of standIn.seen) {
      const keys = new Set(posts.map(({ idempotencyKey }) => idempotencyKey));
      expect(keys.size).toBe(1);
      const [first] = posts;
      const { request_id, application } = first?.body as { request_id: string; application: unknown };
      expect([...keys]).toEqual([`${request_id}:${name}`]);
      expect(application).toEqual(APPLICATION);
    }
  });

  test('an answer after the deadline is kept, marked as late and shown', async () => {
    const { url } = platform.state();
    const posted = (await fetch(`${url}/api/osago/requests`, {
      method: 'POST',
      body: JSON.stringify(APPLICATION),
    }).then((answer) => answer.json())) as Posted;
    const quotesUrl = `${url}/api/osago/requests/${posted.request_id}/quotes?access_token=${posted.access_token}`;
    const find = async (): Promise<Quote & { late: boolean }> => {
      const body = (await fetch(quotesUrl).then((answer) => answer.json())) as {
        quotes: (Quote & { late: boolean })[];
      };
      const quote = body.quotes.find(({ insurer_id }) => insurer_id === 'silent');
      if (quote === undefined) throw new Error('no leg of the silent insurer');
      return quote;
    };
    await until(
      'the silent insurer has timed out',
      async () => ((await find()).status === 'timeout' ? true : undefined),
      DEADLINE_MS + SOON_MS,
    );
    SCRIPTS['silent']!.poll = () => ({
      status: 200,
      body: { application_id: 'a-1', status: 'ready', quote: { premium_kopecks: 700_000 } },
    });
    const late = await until(
      'its late answer is shown',
      async () => ((await find()).status === 'quoted' ? await find() : undefined),
      SOON_MS,
    );
    expect(late).toMatchObject({ status: 'quoted', late: true, premium_kopecks: 700_000 });
  }, 240_000);
});
