import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { AddressError, findAggregator, findBrokers, findDatabaseUrl } from './addresses.ts';

const folder = mkdtempSync(join(tmpdir(), 'ops-'));
const stateFile = join(folder, 'state.json');
const nowhere = join(folder, 'nothing.json');

describe('addresses', () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are those of the environment, else those of the running platform', () => {
    const aggregator = [{ private_url: 'http://pod-1' }, { private_url: 'http://pod-2' }];
    writeFileSync(stateFile, JSON.stringify({ kafka_brokers: ['c:3'], database_url: 'postgres://here', aggregator }));
    expect(findBrokers({ KAFKA_BROKERS: 'a:1, b:2' }, stateFile)).toEqual(['a:1', 'b:2']);
    expect(findBrokers({ KAFKA_BROKERS: '' }, stateFile)).toEqual(['c:3']);
    expect(findDatabaseUrl({ DATABASE_URL: 'postgres://there' }, stateFile)).toBe('postgres://there');
    expect(findDatabaseUrl({}, stateFile)).toBe('postgres://here');
    expect(findAggregator({ AGGREGATOR_URL: 'http://there' }, stateFile)).toBe('http://there');
    expect(findAggregator({}, stateFile)).toBe('http://pod-1');
  });

  test('that nobody gives are one sentence', () => {
    const sentence = 'KAFKA_BROKERS is not set, and no platform is running here';
    expect(() => findBrokers({}, nowhere)).toThrow(new AddressError(sentence));
    writeFileSync(stateFile, '{}');
    expect(() => findDatabaseUrl({}, stateFile)).toThrow('the state of the running platform cannot be read');
  });
});
