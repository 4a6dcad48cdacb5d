import { beforeAll, expect, test } from '@jest/globals';
import fetch from 'kafkajs/src/protocol/requests/fetch/index.js';
import stock from 'kafkajs/src/protocol/requests/fetch/v11/response.js';
import { decodeFetch } from './kafkajs-session-decoding.ts';
import { type FetchProtocol, mendFetch } from './kafkajs-session-mend.ts';

let isOfTheBus = true;

const asked = (version: number): FetchProtocol => {
  const { protocol } = fetch as { protocol: (asked: { version: number }) => (content: object) => FetchProtocol };
  return protocol({ version })({ maxWaitTime: 1_000, minBytes: 1, maxBytes: 1_000, topics: [], rackId: '' });
};

beforeAll(() => mendFetch(() => isOfTheBus));

test('a fetch of the bus is read by the bus, with the errors that kafkajs finds in it', () => {
  isOfTheBus = true;
  expect(asked(11).response).toEqual({ ...stock, decode: decodeFetch });
});

test('whoever else reads with kafkajs in this process has it as it comes', () => {
  isOfTheBus = false;
  expect(asked(11).response).toBe(stock);
  expect(asked(4).response.decode).not.toBe(decodeFetch);
});

test('a broker that does not speak the version is refused for good, and by the name of what it must be', () => {
  isOfTheBus = true;
  expect(() => asked(10)).toThrow(expect.objectContaining({ name: 'EventBusError', retriable: false, message: expect.stringContaining('Kafka 2.3') }));
});
