import { expect, test } from '@jest/globals';
import { packagesNotDeclared } from './declared-packages.ts';

const filesOf = (texts: Readonly<Record<string, string>>) => ({
  paths: Object.keys(texts),
  read: (path: string) => texts[path] ?? '',
});

test('a package that is imported and not declared is named; the root serves only tests and tools', () => {
  const files = filesOf({
    'package.json': JSON.stringify({ devDependencies: { jest: '1' } }),
    'apps/a/package.json': JSON.stringify({ name: '@x/a', dependencies: { pg: '1', '@x/b': '1' } }),
    'apps/a/src/main.test.ts': "import jest from 'jest';",
    'apps/a/src/main.ts': [
      "import { readFile } from 'node:fs';",
      "import pg from 'pg';",
      "import {",
      "  one,",
      "} from '@x/b/deep';",
      "import { far } from 'far-away/inside';",
      "import './near.ts';",
      "import jest from 'jest';",
      // In two parts, or this file would be found to import it.
      ['const lazy = await import(', "'@y/lazy');"].join(''),
    ].join('\n'),
  });
  expect(packagesNotDeclared(files)).toEqual([
    'apps/a/package.json lacks @y/lazy',
    'apps/a/package.json lacks far-away',
    'apps/a/package.json lacks jest',
  ]);
});
