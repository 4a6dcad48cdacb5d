import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Children } from './child.ts';
import { majorOf } from './java.ts';
import { reasonOf } from './maven.ts';
import { adviceOf, endpointsOf, startParts } from './parts.ts';
import { freePort } from './ports.ts';
import { binaryFor, usableVersion } from './redis.ts';

test('reads the endpoints of a URL and of a list of brokers', () => {
  expect(endpointsOf('postgres://osago@db.local/osago', 5432)).toEqual([{ host: 'db.local', port: 5432 }]);
  expect(endpointsOf('a:9092, b:9093', 9092)).toEqual([
    { host: 'a', port: 9092 },
    { host: 'b', port: 9093 },
  ]);
  expect(endpointsOf('redis://[::1]:7000', 6379)).toEqual([{ host: '::1', port: 7000 }]);
});

test('the advice names what to install and the variable to set', () => {
  expect(adviceOf('kafka', 'Kafka needs Java 17 or newer, and none was found.')).toBe(
    'Kafka needs Java 17 or newer, and none was found. Install Java 17 or newer and Maven, or start Docker, ' +
      'or set KAFKA_BROKERS to one that runs elsewhere.',
  );
});

const setup = () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'osago-parts-'));
  const children = new Children({ logDir: join(dataDir, 'logs') });
  const close = async () => {
    await children.close();
    rmSync(dataDir, { recursive: true });
  };
  return { options: { children, root: dataDir, dataDir }, close };
};

test('says which given address does not answer', async () => {
  const { options, close } = setup();
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const env = { DATABASE_URL: `postgres://${address}/x`, KAFKA_BROKERS: address, REDIS_URL: `redis://${address}` };
  await expect(startParts({ ...options, env })).rejects.toThrow(
    `REDIS_URL is set, but no Redis answers at ${address}.`,
  );
  await close();
});

test('says which given address cannot be read, without repeating it', async () => {
  const { options, close } = setup();
  const env = { DATABASE_URL: 'postgres://u:secret@:x', KAFKA_BROKERS: '::', REDIS_URL: 'redis://:x' };
  await expect(startParts({ ...options, env })).rejects.toThrow(/^REDIS_URL holds no address that can be read.$/);
  await close();
});

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['No Java runtime present', undefined],
])('reads the major version of %s', (output, major) => {
  expect(majorOf(output)).toBe(major);
});

test.each([
  ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '7.0.15'],
  ['Valkey server v=8.1.1 sha=00000000:0', '8.1.1'],
  ['Redis server v=6.0.16 sha=00000000:0', undefined],
])('takes a Redis that is new enough: %s', (output, version) => {
  expect(usableVersion(output)).toBe(version);
});

test('finds the Redis binary of this machine by its suffix', () => {
  const names = ['redis-server-6.2.6-v5-linux-amd64', 'redis-server-6.2.7-linux-arm64', 'redis-server-6.2.6-v5-darwin-arm64'];
  expect(binaryFor(names, 'linux', 'x64')).toBe(names[0]);
  expect(binaryFor(names, 'darwin', 'arm64')).toBe(names[2]);
  expect(binaryFor(names, 'sunos', 'x64')).toBeUndefined();
});

test("takes the first of Maven's error lines as the reason", () => {
  expect(reasonOf(['[ERROR] Failed to resolve: host unknown', '[ERROR] ', '[ERROR] [Help 1]'])).toBe(
    'Failed to resolve: host unknown',
  );
});
