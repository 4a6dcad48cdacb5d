import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Static, Type } from '@sinclair/typebox';
import { ConfigError, loadYamlFile } from './index.ts';

const File = Type.Array(
  Type.Object(
    {
      id: Type.String({ minLength: 1 }),
      url: Type.String({ minLength: 1, description: 'Where it is' }),
      rate: Type.Number({ exclusiveMinimum: 0, default: 50 }),
    },
    { additionalProperties: false },
  ),
  { minItems: 1 },
);

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const load = (text: string, env: Record<string, string> = {}): Static<typeof File> => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-config-'));
  folders.push(folder);
  const path = join(folder, 'file.yaml');
  writeFileSync(path, text);
  return loadYamlFile(File, path, env);
};

const faultsOf = (call: () => unknown): readonly string[] => {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).faults;
  }
  return [];
};

describe('loadYamlFile', () => {
  test('reads a file and fills in the defaults', () => {
    expect(load('- { id: a, url: http://a }\n- { id: b, url: http://b, rate: 2.5 }')).toEqual([
      { id: 'a', url: 'http://a', rate: 50 },
      { id: 'b', url: 'http://b', rate: 2.5 },
    ]);
  });

  test('puts the environment in the place of ${NAME}, wherever it stands and as often as it does', () => {
    const file = '- id: a\n  url: ${ORIGIN}/a?of=${ORIGIN}\n  rate: ${RATE}';
    expect(load(file, { ORIGIN: 'http://x', RATE: '7' })).toEqual([
      { id: 'a', url: 'http://x/a?of=http://x', rate: 7 },
    ]);
  });

  test('does not expand what the environment holds', () => {
    expect(load('- { id: a, url: "${A}" }', { A: '${B}', B: 'never' })[0]?.url).toBe('${B}');
  });

  test('names every missing variable once, empty ones too, beside the other faults', () => {
    const file = '- id: a\n  url: ${ONE}${TWO}${ONE}\n- id: b';
    expect(faultsOf(() => load(file, { TWO: '' }))).toEqual([
      'uses ${ONE}, which is not set',
      'uses ${TWO}, which is not set',
      '/0/url Expected string (Where it is)',
      '/1/url is required (Where it is)',
    ]);
  });

  test('names members by their place in the file', () => {
    const file = '- { id: a, url: u, rate: 0 }\n- { id: "", url: u, speed: 1 }';
    expect(faultsOf(() => load(file))).toEqual([
      '/0/rate Expected number to be greater than 0',
      '/1/speed Unexpected property',
      '/1/id Expected string length greater or equal to 1',
    ]);
  });

  test('says so when the whole file is not what it should be', () => {
    expect(faultsOf(() => load('just words'))).toEqual(['the file Expected array']);
    expect(faultsOf(() => load('[]'))).toEqual(['the file Expected array length to be greater or equal to 1']);
  });

  test('says where a file is no YAML, without the lines of the file, which may hold secrets', () => {
    const faults = faultsOf(() => load('- id: a\n  url: "${KEY}\n', { KEY: 'hunter2' }));
    expect(faults).toEqual([expect.stringMatching(/line \d+, column \d+$/) as unknown]);
    expect(faults.join()).not.toContain('hunter2');
  });

  test('names a file that is not there', () => {
    const path = join(tmpdir(), 'osago-no-such-file.yaml');
    const faults = faultsOf(() => loadYamlFile(File, path, {}));
    expect(faults).toEqual([expect.stringContaining('no such file') as unknown]);
    expect(() => loadYamlFile(File, path, {})).toThrow(path);
  });
});
