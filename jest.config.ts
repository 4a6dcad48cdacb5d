/**
 * Three projects by suffix: `.test.ts` needs nothing; `.infra.test.ts` real Postgres, Kafka, Redis; `.e2e.test.ts` the
 * whole platform and a real browser.
 */
import type { Config } from 'jest';

const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '\\.tsx?$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', tsx: false },
          transform: { react: { runtime: 'automatic' } },
          // Tables of the law are JSON, which Node imports by its attribute only.
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: { '^fast-check$': '<rootDir>/tools/seeded-fast-check.ts' },
  modulePathIgnorePatterns: ['<rootDir>/.platform', '<rootDir>/.nx', '/dist/'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
} satisfies Config;

export default {
  // Of a test that does not say it: a hang is told in time, and a slow machine is none. Jest's own five seconds are little.
  testTimeout: 60_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: [...shared.testPathIgnorePatterns, '\\.(infra|e2e)\\.test\\.ts$'],
    },
    {
      ...shared,
      displayName: 'infra',
      testMatch: ['**/*.infra.test.ts'],
      globalSetup: '<rootDir>/tools/local-parts/src/jest-setup.ts',
      globalTeardown: '<rootDir>/tools/local-parts/src/jest-teardown.ts',
    },
    { ...shared, displayName: 'e2e', testMatch: ['**/*.e2e.test.ts'] },
  ],
} satisfies Config;
