import { describe, expect, test } from '@jest/globals';
import { pathsIn, scriptsIn } from './markdown.ts';

const FOLDERS = new Set(['apps', 'docs']);
const pathsOf = (document: string): string[] => pathsIn(document, FOLDERS).map(({ text }) => text);
const scriptsOf = (document: string): string[] => scriptsIn(document).map(({ text }) => text);

describe('the paths of a document', () => {
  test.each([
    ['a file in code', 'See `docs/a.md`.', ['docs/a.md']],
    ['a bare file name in code', 'In `main.ts`:', ['main.ts']],
    ['a folder in code', 'All of `apps/core-app/`', ['apps/core-app/']],
    ['a file of a command', '`PORT=1 node apps/a/main.ts --quick`', ['apps/a/main.ts']],
    ['a file with a line number', '`docs/a.md:12`', ['docs/a.md']],
    ['a link', '[the words](docs/a.md#words)', ['docs/a.md']],
    ['a relative link', '[up](../README.md)', ['../README.md']],
    ['a command in a fence', '```sh\nkubectl apply -k docs/x\n```', ['docs/x']],
    ['a command in an indented block', 'Do:\n\n    node apps/a.ts\n', ['apps/a.ts']],
  ])('include %s', (_, document, paths) => {
    expect(pathsOf(document)).toEqual(paths);
  });

  test.each([
    ['addresses', '[x](https://a.example/b.md) `http://a.example/b.md`'],
    ['places on the same page', '[x](#words)'],
    ['API paths', '`/api/osago/requests`'],
    ['patterns and what is to be filled in', '`apps/*/a.ts` `docs/<name>.md` `libs/{a,b}.ts` `docs/…`'],
    ['what only exists after a start or a build', '`.platform/state.json` `apps/web/dist/index.html` `store.jwks.json`'],
    ['endings of names', '`.ts` `.infra.test.ts`'],
    ['packages and types of content', '`@osago/web` `application/json`'],
    ['the parts of a picture', 'So:\n\n    main.ts ──► server.ts\n'],
    ['plain words', 'either/or, and so on.ts'],
  ])('do not include %s', (_, document) => {
    expect(pathsOf(document)).toEqual([]);
  });

  test('carry their line', () => {
    expect(pathsIn('one\n\n```\nx\n```\n`docs/a.md`\n', FOLDERS)).toEqual([{ line: 6, text: 'docs/a.md' }]);
  });
});

describe('the scripts of a document', () => {
  test.each([
    ['`npm start`', ['start']],
    ['`npm test`', ['test']],
    ['`npm run topics -- plan`', ['topics']],
    ['`npm run\ntopics`', ['topics']],
    ['`npm run bench:relay`', ['bench:relay']],
    ['    npm run docs\n', ['docs']],
    ['`npm run bench:<name>`', []],
    ['npm run nothing, in prose', []],
    ['`npm ci`', []],
  ])('of %j are %j', (document, scripts) => {
    expect(scriptsOf(document)).toEqual(scripts);
  });

  test('know the workspace they are run in', () => {
    expect(scriptsIn('`npm run build -w @osago/web`')).toEqual([
      { line: 1, text: 'build', workspace: '@osago/web' },
    ]);
  });
});
