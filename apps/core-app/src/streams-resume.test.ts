/** Coming back to a stream, and being sent away from it: resume by cursor, overload, drain. */
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PostgresAwayError } from './postgres-away.ts';
import type { StreamsOptions } from './streams.ts';
import { startTestApi, streamsThat } from './testing-api.ts';
import { Cleanup, leg, PARTITION, REQUEST_ID, submitted, timestamp, turn, until } from './testing-events.ts';
import { type Exchange, parseSse, send } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const PATH = `/api/osago/requests/${REQUEST_ID}/stream`;

/** In the order of the topics; the request itself has offset 0. */
const cursorAt = (quotesOffset: number, { revision = 1, end = 'o', epoch = 'e1', id = REQUEST_ID } = {}): string =>
  `1_${epoch}_${id}_${PARTITION}_0_${quotesOffset}_-1_${revision}_${end}`;

const setup = async (options: Partial<StreamsOptions> = {}) => {
  const api = await startTestApi(cleanup, options);
  api.showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
  const open = (lastEventId?: string, query = '', headers = {}): Promise<Exchange> =>
    send(`${api.origin}${PATH}${query}`, {
      headers: { ...api.authorization, ...headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
    });
  const happen = (status: Parameters<typeof leg>[1], step: number): void =>
    api.showcase.apply(leg('alpha', status, { step }), PARTITION, step);
  /** A reader that is behind is held: the answer's head comes later. */
  const openHeld = async (lastEventId: string): Promise<{ opening: Promise<Exchange> }> => {
    const { reads } = api.reader;
    const opening = open(lastEventId);
    await until(() => api.reader.reads > reads);
    await turn();
    return { opening };
  };
  return { ...api, open, openHeld, happen };
};

const isPending = async (opening: Promise<Exchange>): Promise<boolean> => {
  await turn();
  return (await Promise.race([opening, Promise.resolve('pending')])) === 'pending';
};

const eventsOf = (stream: Exchange): string[] => parseSse(stream.text()).messages.map(({ event }) => event);

const hasSnapshot = async (stream: Exchange): Promise<void> => {
  await until(() => eventsOf(stream).includes('heartbeat'));
  expect(eventsOf(stream)[0]).toBe('snapshot');
  stream.close();
};

describe('one who comes back', () => {
  test('gets a new snapshot at once when this pod has seen as much', async () => {
    const { happen, open } = await setup();
    happen('submitted', 4);
    await hasSnapshot(await open(cursorAt(4)));
    await hasSnapshot(await open(cursorAt(2)));
    await hasSnapshot(await open(undefined, `?last_event_id=${cursorAt(4)}`));
  });

  test('to a pod that is behind waits until it has caught up', async () => {
    const { happen, openHeld } = await setup();
    const held = await openHeld(cursorAt(4));
    happen('submitted', 3);
    expect(await isPending(held.opening)).toBe(true);
    happen('estimated', 4);
    const stream = await held.opening;
    await until(() => eventsOf(stream).length >= 2);
    expect(parseSse(stream.text()).messages[0]).toMatchObject({ event: 'snapshot', id: cursorAt(4) });
    stream.close();
  });

  test('to a pod that stays behind is sent away after two seconds and never shown less', async () => {
    const { clock, happen, metrics, openHeld } = await setup();
    const held = await openHeld(cursorAt(9));
    clock.advance(1_999);
    happen('submitted', 3);
    expect(await isPending(held.opening)).toBe(true);
    clock.advance(1);
    happen('estimated', 4);
    const stream = await held.opening;
    await stream.ended;
    expect(stream.status).toBe(200);
    expect(stream.text()).toBe('retry: 1250\n\n');
    expect(stream.headers.connection).toBe('close');
    expect(await streamsThat(metrics, 'behind')).toBe(1);
  });

  test('with a cursor beyond the end of the log, which nobody can have seen, gets a snapshot', async () => {
    const { clock, happen, logEnd, openHeld } = await setup();
    happen('submitted', 1);
    logEnd.offset = 4n;
    const { opening } = await openHeld(cursorAt(4));
    clock.advance(2_000);
    happen('submitted', 2);
    await hasSnapshot(await opening);
  });

  test('is sent away while the end of the log is not known', async () => {
    const { clock, happen, logEnd, openHeld } = await setup();
    logEnd.offset = undefined;
    const { opening } = await openHeld(cursorAt(4));
    clock.advance(2_000);
    happen('submitted', 2);
    const stream = await opening;
    await stream.ended;
    expect(stream.text()).toBe('retry: 1250\n\n');
  });

  test('with a revision that nobody was given gets a snapshot', async () => {
    const { happen, open } = await setup();
    happen('submitted', 4);
    await hasSnapshot(await open(cursorAt(-1, { revision: 2 })));
  });

  test.each([
    ['of another epoch', cursorAt(9, { epoch: 'e2' })],
    ['of another request', cursorAt(9, { id: REQUEST_ID.replace(/.$/, '2') })],
    ['that is garbage', '☃ no cursor'],
    ['of another version', cursorAt(9).replace(/^1/, '2')],
    ['that is empty', ''],
  ])('with a cursor %s gets a snapshot', async (_, cursor) => {
    const { open } = await setup();
    await hasSnapshot(await open(undefined, `?last_event_id=${encodeURIComponent(cursor)}`));
  });

  test('is resumed by the header before the query', async () => {
    const { happen, open } = await setup();
    happen('submitted', 4);
    await hasSnapshot(await open(cursorAt(4), `?last_event_id=${cursorAt(9)}`));
  });

  test('to a request whose end it has seen gets a 204 and nothing else', async () => {
    const { happen, metrics, open } = await setup();
    happen('quoted', 4);
    const first = await open();
    await first.ended;
    const { id } = parseSse(first.text()).messages.at(-1)!;
    expect(id).toBe(cursorAt(4, { end: 'e' }));
    const again = await open(id);
    await again.ended;
    expect([again.status, again.text()]).toEqual([204, '']);
    expect(await streamsThat(metrics, 'finished')).toBe(1);
  });

  test('to a request that was opened again after the end it has seen gets a snapshot', async () => {
    const { happen, open, showcase } = await setup();
    happen('error', 0);
    const asked = submitted({ alpha: 60_000 });
    const retry = {
      ...asked,
      type: 'osago.leg.retry-asked.v1' as const,
      data: {
        request_id: REQUEST_ID,
        revision: 2,
        insurer_id: 'alpha',
        attempt: 2,
        deadline_at: timestamp(90_000),
        tariff: asked.data.tariff,
        application_sealed: 'sealed',
      },
    };
    showcase.apply(retry, PARTITION, 1);
    await hasSnapshot(await open(cursorAt(-1, { end: 'e' })));
  });

  test('to a finished request whose end it has not seen gets the end', async () => {
    const { happen, open } = await setup();
    happen('quoted', 4);
    const stream = await open(cursorAt(4));
    await stream.ended;
    expect(eventsOf(stream)).toEqual(['snapshot', 'heartbeat', 'done']);
  });
});

describe('too many streams', () => {
  test('are a 200 with a longer retry and the end, because an error would stop EventSource for ever', async () => {
    const { metrics, open } = await setup({ streamsMax: 1 });
    const first = await open();
    await until(() => eventsOf(first).length >= 2);
    const second = await open();
    await second.ended;
    expect([second.status, second.text(), second.headers.connection]).toEqual([200, 'retry: 6250\n\n', 'close']);
    expect(await streamsThat(metrics, 'shed')).toBe(1);
    first.close();
    await until(async () => (await streamsThat(metrics, 'gone')) === 1);
    await hasSnapshot(await open());
  });

  test('are sent away at once, also while those before them wait to be open', async () => {
    const { metrics, open, reader } = await setup({ streamsMax: 2 });
    const letRead = reader.hold();
    const openings = [open(), open()];
    await until(() => reader.reads === 2);
    const third = await open();
    await third.ended;
    expect([third.text(), reader.reads]).toEqual(['retry: 6250\n\n', 2]);
    expect(await streamsThat(metrics, 'shed')).toBe(1);
    letRead();
    for (const stream of await Promise.all(openings)) await hasSnapshot(stream);
    await until(async () => (await streamsThat(metrics, 'gone')) === 2);
    await hasSnapshot(await open());
  });

  test('are none that went away, or were sent away, while they waited', async () => {
    const { clock, openHeld, open, metrics, happen } = await setup({ streamsMax: 1, perOwnerMax: 1 });
    const { opening } = await openHeld(cursorAt(7));
    clock.advance(2_000);
    happen('submitted', 1);
    await (await opening).ended;
    expect(await streamsThat(metrics, 'behind')).toBe(1);
    await hasSnapshot(await open());
  });

  const sentAway = async (stream: Exchange): Promise<void> => {
    await stream.ended;
    expect([stream.status, stream.text()]).toEqual([200, 'retry: 6250\n\n']);
  };
  const owned = (owner: string) => ({ cookie: `osago_owner=${owner.repeat(22)}` });

  test('of one owner are sent away in the same manner, those of others are not', async () => {
    const { metrics, open } = await setup({ perOwnerMax: 2 });
    const first = await open(undefined, '', owned('a'));
    const reading = [first, await open(undefined, '', owned('a'))];
    await until(() => reading.every((stream) => eventsOf(stream).length >= 2));
    await sentAway(await open(undefined, '', owned('a')));
    expect(await streamsThat(metrics, 'too_many_of_owner')).toBe(1);
    await hasSnapshot(await open(undefined, '', owned('b')));
    first.close();
    await until(async () => (await streamsThat(metrics, 'gone')) === 2);
    await hasSnapshot(await open(undefined, '', owned('a')));
  });

  test('of one owner are counted also while they wait to be open', async () => {
    const { open, reader } = await setup({ perOwnerMax: 1 });
    const letRead = reader.hold();
    const opening = open(undefined, '', owned('a'));
    await until(() => reader.reads === 1);
    await sentAway(await open(undefined, '', owned('a')));
    const other = open(undefined, '', owned('b'));
    await until(() => reader.reads === 2);
    letRead();
    for (const stream of [await opening, await other]) await hasSnapshot(stream);
  });

  test('of one request are counted where the browser sends no cookie, or none of ours', async () => {
    const { open } = await setup({ perOwnerMax: 1 });
    const first = await open();
    await until(() => eventsOf(first).length >= 2);
    await sentAway(await open(undefined, '', { cookie: 'osago_owner=x' }));
    await sentAway(await open());
    await hasSnapshot(await open(undefined, '', owned('a')));
  });

  test('a pod whose readers leave too much lying lets nobody in until they have taken it', async () => {
    const { authorization, metrics, open, origin, showcase } = await setup({ pendingBytesMax: 1e9, pendingBytesSumMax: 1e6 });
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    cleanup.add(() => socket.destroy());
    socket.pause();
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization.authorization}\r\n\r\n`);
    await until(async () => (await metrics.getSingleMetric('osago_streams_open')?.get())?.values[0]?.value === 1);
    const message = 'x'.repeat(16_000_000);
    showcase.apply(leg('alpha', 'estimated', { members: { reason: { code: 'x', message } } }), PARTITION, 1);
    const pending = async (): Promise<number> =>
      (await metrics.getSingleMetric('osago_streams_pending_bytes')?.get())?.values[0]?.value ?? 0;
    await until(async () => (await pending()) > 1e6);
    await sentAway(await open());
    socket.resume();
    await until(async () => (await pending()) === 0);
    await hasSnapshot(await open());
  });

  test('a stream that cannot be opened is sent away as well', async () => {
    const { log, open, reader } = await setup();
    reader.failure = new Error('Postgres is away');
    const stream = await open();
    await stream.ended;
    expect([stream.status, stream.text()]).toEqual([200, 'retry: 6250\n\n']);
    expect(log.lines.find(({ level }) => level === 'error')).toMatchObject({ message: 'stream failed to open' });
    reader.failure = new PostgresAwayError('nobody listens');
    await sentAway(await open());
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', message: 'stream failed to open' });
  });
});

const BYE = 'retry: 1250\n\nevent: bye\ndata: {}\n\n';

describe('the drain', () => {
  test('says goodbye to every reader, then ends', async () => {
    const { drain, metrics, open, readiness } = await setup();
    const reading = await Promise.all([open(), open()]);
    await until(() => reading.every((stream) => eventsOf(stream).length >= 2));
    expect(readiness()).toBeUndefined();
    await drain();
    expect(readiness()).toBe('draining');
    for (const stream of reading) {
      await stream.ended;
      expect(stream.isEnded()).toBe(true);
      expect(stream.text()).toMatch(/\n\nretry: 1250\n\nevent: bye\ndata: \{\}\n\n$/);
    }
    expect(await streamsThat(metrics, 'drained')).toBe(2);
  });

  test('lets streams finish whose request ends in time, and says goodbye to the rest', async () => {
    const { access, clock, drain, happen, metrics, open, origin, showcase } = await setup({ drainMs: 5_000 });
    const other = REQUEST_ID.replace(/.$/, '2');
    showcase.apply(submitted({ alpha: 200_000 }, other), PARTITION, 0);
    const longer = await send(`${origin}${PATH.replace(REQUEST_ID, other)}`, {
      headers: { authorization: `Bearer ${access.token(other)}` },
    });
    const finite = await open();
    await until(() => eventsOf(finite).length >= 2);
    clock.advance(57_000);
    const draining = drain();
    await longer.ended;
    expect(eventsOf(longer).at(-1)).toBe('bye');
    happen('quoted', 4);
    await finite.ended;
    await draining;
    expect(eventsOf(finite).slice(-2)).toEqual(['quote', 'done']);
    expect(await streamsThat(metrics, 'drained')).toBe(1);
  });

  test('ends those as well, by their own deadline, when no answer comes', async () => {
    const { clock, drain, open } = await setup({ drainMs: 5_000 });
    const finite = await open();
    await until(() => eventsOf(finite).length >= 2);
    clock.advance(57_000);
    const draining = drain();
    clock.advance(4_000);
    await draining;
    await finite.ended;
    expect(eventsOf(finite).at(-1)).toBe('timeout');
  });

  test('cuts a reader that does not take its goodbye', async () => {
    const { authorization, clock, drain, metrics, origin, showcase } = await setup({ pendingBytesMax: 1e9 });
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    cleanup.add(() => socket.destroy());
    socket.pause();
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization.authorization}\r\n\r\n`);
    await until(async () => (await metrics.getSingleMetric('osago_streams_open')?.get())?.values[0]?.value === 1);
    const message = 'x'.repeat(16_000_000);
    showcase.apply(leg('alpha', 'estimated', { members: { reason: { code: 'x', message } } }), PARTITION, 1);
    const draining = drain();
    await turn();
    clock.advance(2_000);
    await draining;
    expect(await streamsThat(metrics, 'stalled')).toBe(1);
  });

  test('sends newcomers away, to come back to another pod', async () => {
    const { drain, open } = await setup();
    await drain();
    const stream = await open();
    await stream.ended;
    expect([stream.status, stream.text(), stream.headers.connection]).toEqual([200, BYE, 'close']);
  });

  test('leaves nobody behind who was waiting for the feed when it began', async () => {
    const { drain, happen, openHeld } = await setup();
    const { opening } = await openHeld(cursorAt(4));
    await drain();
    happen('submitted', 4);
    const stream = await opening;
    await stream.ended;
    expect(stream.text()).toBe(BYE);
  });
});

test('a request that is forgotten while its reader waits to be told of it is asked for again', async () => {
  const { authorization, log, open, origin, reader, showcase } = await setup();
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  cleanup.add(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization.authorization}\r\nContent-Length: 1\r\n\r\n`);
  await until(() => reader.reads > 0);
  for (const one of showcase.past(Number.POSITIVE_INFINITY, 1)) expect(showcase.forget(one)).toBe(true);
  socket.write('x');
  await until(() => text.includes('retry: 1250\n\n'));
  expect(text).not.toContain('snapshot');
  expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  showcase.apply(submitted({ alpha: 60_000 }), PARTITION, 0);
  await hasSnapshot(await open());
});

describe('a change between the read and the first byte', () => {
  test('is in the snapshot', async () => {
    const { happen, open, reader } = await setup();
    reader.afterRead = () => happen('submitted', 4);
    const stream = await open();
    await until(() => eventsOf(stream).length >= 2);
    expect(parseSse(stream.text()).messages[0]?.data).toContain('"status":"submitted"');
    stream.close();
  });
});
