import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { findAddresses } from './addresses.ts';

const folder = mkdtempSync(join(tmpdir(), 'addresses-'));
const stateFile = join(folder, 'state.json');

describe('findAddresses', () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes the environment first, and no database of another platform with it', () => {
    writeFileSync(stateFile, JSON.stringify({ kafka_brokers: ['c:3'], database_url: 'postgres://here' }));
    expect(findAddresses({ KAFKA_BROKERS: 'a:1, b:2' }, stateFile)).toEqual({
      brokers: ['a:1', 'b:2'],
      databaseUrl: undefined,
    });
  });

  it('takes the running platform where the environment says nothing', () => {
    writeFileSync(stateFile, JSON.stringify({ kafka_brokers: ['c:3'], database_url: 'postgres://here' }));
    expect(findAddresses({ KAFKA_BROKERS: '' }, stateFile)).toEqual({
      brokers: ['c:3'],
      databaseUrl: 'postgres://here',
    });
  });

  it('says what is missing', () => {
    expect(() => findAddresses({}, join(folder, 'nothing.json'))).toThrow('KAFKA_BROKERS is not set');
    writeFileSync(stateFile, '{}');
    expect(() => findAddresses({}, stateFile)).toThrow('/kafka_brokers');
  });
});
