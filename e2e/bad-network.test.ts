import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { BadNetwork, type Fault } from './bad-network.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const listen = async (answer: RequestListener): Promise<string> => {
  const server: Server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A stream whose pieces the test writes, read through the fault. */
const setup = async (fault: Fault) => {
  let write: (text: string) => void = () => undefined;
  let end: () => void = () => undefined;
  const upstream = await listen((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    write = (text) => void response.write(text);
    end = () => void response.end();
  });
  const network = new BadNetwork(upstream, fault);
  open.push(network);
  const answer = fetch(await network.listen());
  return { network, answer, write: (text: string) => write(text), end: () => end() };
};

const readerOf = async (answer: Promise<Response>) => {
  const reader = (await answer).body!.getReader();
  return async (): Promise<string> => Buffer.from((await reader.read()).value ?? []).toString();
};

test('without a fault passes each piece on as it comes, and counts streams', async () => {
  const { network, answer, write } = await setup({ kind: 'none' });
  const read = await readerOf(answer);
  for (const text of ['data: a\n\n', 'data: b\n\n']) {
    write(text);
    expect(await read()).toBe(text);
  }
  expect(network.counts).toMatchObject({ streamsOpened: 1, streamsOpen: 1, streamsOpenMost: 1, hits: 0 });
});

test('buffers a stream until it is whole', async () => {
  const upstream = await listen((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: a\n\n');
    setTimeout(() => response.end('data: b\n\n'), 50);
  });
  const network = new BadNetwork(upstream, { kind: 'buffers' });
  open.push(network);
  const read = await readerOf(fetch(await network.listen()));
  expect(await read()).toBe('data: a\n\ndata: b\n\n');
});

test('mutes a stream after its bytes, and keeps the connection', async () => {
  const { network, answer, write } = await setup({ kind: 'mutes', afterBytes: 12 });
  const read = await readerOf(answer);
  write('data: a\n\ndata: b\n\n');
  expect(await read()).toBe('data: a\n\ndat');
  write('data: c\n\n');
  expect(network.counts).toMatchObject({ hits: 1, streamsOpen: 1 });
});

test('holds the first message back until there is a second', async () => {
  const { answer, write } = await setup({ kind: 'holds the first message' });
  const read = await readerOf(answer);
  const first = read();
  write('retry: 10\n\ndata: a\n\n');
  const early = Promise.race([first, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]);
  expect(await early).toBe('nothing');
  write('data: b\n\n');
  expect(await first).toBe('retry: 10\n\ndata: a\n\ndata: b\n\n');
  write('data: c\n\n');
  expect(await read()).toBe('data: c\n\n');
});

test('cuts a connection on which nothing comes', async () => {
  const { network, answer, write } = await setup({ kind: 'cuts idle connections', afterMs: 50 });
  const read = await readerOf(answer);
  write('data: a\n\n');
  expect(await read()).toBe('data: a\n\n');
  await expect(read()).rejects.toThrow();
  expect(network.counts.hits).toBe(1);
});

test('while it is away streams are mute for ever, and new requests wait', async () => {
  const { network, answer, write } = await setup({ kind: 'none' });
  const read = await readerOf(answer);
  network.isAway = true;
  write('data: lost\n\n');
  const next = Promise.race([read(), new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]);
  expect(await next).toBe('nothing');
  network.isAway = false;
  write('data: lost too\n\n');
  expect(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])).toBe('nothing');
});
