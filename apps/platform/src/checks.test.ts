import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { checkDisk, checkPort } from './checks.ts';

test('a taken port is named, with what to do instead', async () => {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(checkPort(port)).rejects.toThrow(`Port ${port} is taken by another program`);
  await new Promise((resolve) => server.close(resolve));
  await checkPort(port);
});

test('a full disk is named, with what is needed', async () => {
  await checkDisk(tmpdir(), 1);
  await expect(checkDisk(tmpdir(), Number.MAX_SAFE_INTEGER)).rejects.toThrow(/^Only \d+ MB are free on the disk of/);
});
