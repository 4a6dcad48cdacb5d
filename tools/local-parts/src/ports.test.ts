import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { accepts, freePort, isPortFree } from './ports.ts';

test('gives ports that can be listened on, and none twice', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(new Set(ports).size).toBe(20);
  expect(await isPortFree(ports[0]!)).toBe(true);
});

test('stays below the ports of outgoing connections', async () => {
  expect(await freePort()).toBeLessThan(32_768);
});

test.each(['127.0.0.1', '0.0.0.0'])('sees that a port is taken on %s', async (host) => {
  const port = await freePort();
  const server = createServer().listen({ port, host });
  await once(server, 'listening');
  try {
    expect(await isPortFree(port)).toBe(false);
    expect(await accepts('127.0.0.1', port, 1000)).toBe(true);
  } finally {
    server.close();
  }
  await once(server, 'close');
  expect(await isPortFree(port)).toBe(true);
  expect(await accepts('127.0.0.1', port, 1000)).toBe(false);
});
