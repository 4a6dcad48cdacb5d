/** Import direction, purity and limits. A rule that is turned off says why. */
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const tag = (sourceTag, ...onlyDependOnLibsWithTags) => ({ sourceTag, onlyDependOnLibsWithTags });

/** The three that `npm test -- types` checks. A program for each workspace would hold the shared sources again: 5 GB of them. */
const PROGRAMS = ['tsconfig.json', 'libs/quote-stream/tsconfig.json', 'apps/web/tsconfig.json'];

export default tseslint.config(
  { ignores: ['**/node_modules', '**/dist', '.platform', '.nx', 'docs', 'coverage'] },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.ts', '**/*.tsx'] })),
  {
    files: ['**/*.ts', '**/*.tsx'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { project: PROGRAMS, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: [],
          enforceBuildableLibDependency: false,
          depConstraints: [
            tag('layer:contract'),
            tag('layer:domain', 'layer:contract'),
            tag('layer:platform', 'layer:contract', 'layer:platform'),
            tag('layer:app', 'layer:contract', 'layer:domain', 'layer:platform', 'layer:tool'),
            tag('layer:tool', 'layer:contract', 'layer:domain', 'layer:platform', 'layer:tool'),
          ],
        },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An arrow that returns a call of a void function reads better than braces around it.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Records decoded from outside are indexed with brackets under noPropertyAccessFromIndexSignature.
      '@typescript-eslint/dot-notation': 'off',
      'no-console': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true }],
      'max-params': ['error', 4],
      complexity: ['error', 20],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only main.ts reads the environment.' },
        { object: 'process', property: 'exit', message: 'Only service-kit/service.ts ends a process.' },
      ],
    },
  },
  {
    // The places that are allowed to know the environment, to end the process, to print.
    files: [
      '**/main.ts',
      'apps/core-app/src/migrate.ts',
      'libs/service-kit/src/service.ts',
      'tools/**/*.ts',
      'apps/platform/**/*.ts',
      'e2e/**/*.ts',
      'bench/**/*.ts',
      '**/*.test.ts',
      '*.config.ts',
    ],
    rules: { 'no-restricted-properties': 'off', 'no-console': 'off' },
  },
  {
    // The decisions: no I/O, no clock, no randomness. Time and chance come in as data.
    files: ['libs/quotes/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/simulation*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['node:*', 'fs', 'crypto'] }],
      'no-restricted-globals': ['error', 'process', 'setTimeout', 'setInterval', 'performance', 'fetch', 'crypto'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is an argument: nowMs.' },
        { object: 'Math', property: 'random', message: 'Chance is an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Time is an argument: nowMs.' },
      ],
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      // Tests assert on what they know is there.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      'max-lines': ['error', { max: 500, skipBlankLines: true }],
    },
  },
);
