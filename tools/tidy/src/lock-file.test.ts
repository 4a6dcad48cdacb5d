import { describe, expect, test } from '@jest/globals';
import { completed, type LockPackages, packagesMissing, platformOf } from './lock-file.ts';

const PACKAGES: LockPackages = {
  '': {},
  'node_modules/a': { dev: true, dependencies: { b: '1', c: '1' }, optionalDependencies: { 'a-darwin-arm64': '1.2.3' } },
  'node_modules/a/node_modules/c': { dependencies: { b: '1' } },
  'node_modules/b': { dependencies: { gone: '2' } },
};

describe('a lock file', () => {
  test('lacks what is found at no height', () => {
    expect(packagesMissing(PACKAGES)).toEqual([
      { of: 'node_modules/a', name: 'a-darwin-arm64', version: '1.2.3' },
      { of: 'node_modules/b', name: 'gone', version: '2' },
    ]);
  });

  test('is completed by the optional packages of other systems only', () => {
    const packages = completed(PACKAGES);
    expect(packages['node_modules/a-darwin-arm64']).toEqual({
      version: '1.2.3',
      dev: true,
      optional: true,
      os: ['darwin'],
      cpu: ['arm64'],
    });
    expect(packagesMissing(packages).map(({ name }) => name)).toEqual(['gone']);
  });

  test.each([
    ['@swc/core-linux-arm64-gnu', { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] }],
    ['@x/binding-linux-x64-musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
    ['@x/binding-win32-x64-msvc', { os: ['win32'], cpu: ['x64'] }],
    ['fsevents', undefined],
  ])('takes the system of %s from its name', (name, platform) => {
    expect(platformOf(name)).toEqual(platform);
  });
});
