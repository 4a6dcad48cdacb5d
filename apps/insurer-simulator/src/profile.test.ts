import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InsurersFile } from '@osago/contracts';
import { ConfigError, loadYamlFile } from '@osago/service-kit';
import { loadProfiles } from './profile.ts';

const APP = join(import.meta.dirname, '..');
const profiles = loadProfiles(join(APP, 'profiles.yaml'));
const INSURERS_FILE = join(APP, '..', '..', 'config', 'insurers.yaml');

const faultsOf = (yaml: string): readonly string[] => {
  const directory = mkdtempSync(join(tmpdir(), 'profiles-'));
  const path = join(directory, 'profiles.yaml');
  try {
    writeFileSync(path, yaml);
    loadProfiles(path);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
  return [];
};

describe('market.yaml', () => {
  test('has the same insurers, and none that always ends the same way', () => {
    const market = loadProfiles(join(APP, 'market.yaml'));
    const names = ({ insurer_id, name }: { insurer_id: string; name: string }): string => `${insurer_id} ${name}`;
    expect(market.map(names)).toEqual(profiles.map(names));
    for (const { declined_share, fails_share, never_answers } of market) {
      expect([declined_share < 1, fails_share < 1, never_answers]).toEqual([true, true, false]);
    }
  });
});

describe('profiles.yaml', () => {
  test('names the insurers of config/insurers.yaml, in its order', () => {
    const insurers = loadYamlFile(InsurersFile, INSURERS_FILE, { INSURERS_URL: 'http://simulator' });
    const names = ({ insurer_id, name }: { insurer_id: string; name: string }): string => `${insurer_id} ${name}`;
    expect(profiles.map(names)).toEqual(insurers.map(names));
    expect(insurers.map(({ base_url }) => base_url)).toEqual(
      profiles.map(({ insurer_id }) => `http://simulator/${insurer_id}`),
    );
  });

  test('has one insurer that always declines, one that always fails and one that never answers', () => {
    const idsOf = (chosen: typeof profiles): string[] => chosen.map(({ insurer_id }) => insurer_id);
    expect(idsOf(profiles.filter(({ declined_share }) => declined_share === 1))).toEqual(['delta']);
    expect(idsOf(profiles.filter(({ fails_share }) => fails_share === 1))).toEqual(['theta']);
    expect(idsOf(profiles.filter(({ never_answers }) => never_answers))).toEqual(['zeta']);
  });

  test('lets every other insurer answer within 50 s at the latest', () => {
    for (const { latency, never_answers } of profiles) {
      if (!never_answers) expect(2 * latency.p95_ms).toBeLessThanOrEqual(50_000);
    }
  });
});

describe('loadProfiles', () => {
  test('names every fault of shape at once', () => {
    const faults = faultsOf(
      '[{ insurer_id: Alfa, name: A, base_rate_position: 2, latency: { p50_ms: 1, p95_ms: 2 }, speed: 1 }]',
    );
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['/0/speed', '/0/insurer_id', '/0/base_rate_position']);
  });

  test('names every fault of sense at once', () => {
    const profile = `insurer_id: alfa, name: A, base_rate_position: 0.5, fails_share: 0.6, declined_share: 0.6`;
    const faults = faultsOf(`
      - { ${profile}, latency: { p50_ms: 1, p95_ms: 2 } }
      - { ${profile}, latency: { p50_ms: 3, p95_ms: 2 } }`);
    expect(faults).toEqual([
      '/0 has shares that add up to more than 1',
      '/1/insurer_id is used twice',
      '/1/latency/p95_ms is below p50_ms',
      '/1 has shares that add up to more than 1',
    ]);
  });
});
