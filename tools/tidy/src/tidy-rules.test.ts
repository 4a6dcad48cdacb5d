import { describe, expect, test } from '@jest/globals';
import * as rules from './tidy-rules.ts';

const files = (texts: Record<string, string>): rules.Files => ({
  paths: Object.keys(texts).sort(),
  read: (path) => texts[path] ?? '',
});

describe('each rule finds what it is for', () => {
  test('a path that is not there, from the document or from the root', () => {
    const tree = files({
      'docs/a.md': '`b.md` `docs/b.md` [b](b.md) [c](c.md) `docs/c.md` `src/main.ts`',
      'docs/b.md': '',
      'apps/x/src/main.ts': '',
      'apps/x/README.md': '`src/main.ts` `main.ts` [up](../../docs/) `nowhere.ts`',
    });
    expect(rules.pathsThatAreNotThere(tree)).toEqual([
      'apps/x/README.md:1 nowhere.ts',
      'docs/a.md:1 c.md',
      'docs/a.md:1 docs/c.md',
      'docs/a.md:1 src/main.ts',
    ]);
  });

  test('a script that the root, or the workspace, does not have', () => {
    const tree = files({
      'package.json': '{"name": "root", "scripts": {"start": "x"}}',
      'apps/web/package.json': '{"name": "@osago/web", "scripts": {"build": "x"}}',
      'README.md': '`npm start` `npm run build -w @osago/web` `npm run gone` `npm run gone -w @osago/web`',
    });
    expect(rules.scriptsThatAreNotThere(tree)).toEqual(['README.md:1 gone', 'README.md:1 gone in @osago/web']);
  });

  test('a workspace whose README is missing, headless or long', () => {
    const tree = files({
      'package.json': '{}',
      'libs/a/package.json': '{}',
      'libs/b/package.json': '{}',
      'libs/b/README.md': 'words',
      'libs/c/package.json': '{}',
      'libs/c/README.md': `# c\n${'words\n'.repeat(80)}`,
      'libs/d/package.json': '{}',
      'libs/d/README.md': '# d\n',
    });
    expect(rules.workspacesWithoutReadme(tree)).toEqual([
      'libs/a/README.md is missing',
      'libs/b/README.md has no heading',
      'libs/c/README.md has 81 lines',
    ]);
  });

  test.each([
    ['it', 'only'],
    ['test', 'skip'],
    ['describe', 'skip'],
    ['test', 'todo'],
    ['test.concurrent', 'only'],
  ])('a test that is left out: %s with %s', (call, word) => {
    expect(rules.testsThatAreLeftOut(files({ 'a.test.ts': `  ${call}.${word}('x')` }))).toHaveLength(1);
  });

  test.each(['x', 'f'])('a test that is left out by the letter %s', (letter) => {
    expect(rules.testsThatAreLeftOut(files({ 'a.test.ts': `${letter}it('x')` }))).toHaveLength(1);
  });

  test('no fault in an exit, a test of a table, a filter', () => {
    const text = 'process.exit(1); test.each([])("x"); exit(2); list.skip(1);';
    expect(rules.testsThatAreLeftOut(files({ 'a.test.ts': text }))).toEqual([]);
  });

  // In halves, or this file would have them.
  test.each([
    ['FIX', 'ME'],
    ['HA', 'CK'],
    ['X', 'XX'],
    ['TO', 'DO'],
  ])('a mark of unfinished work: %s%s', (half, other) => {
    expect(rules.unfinishedMarks(files({ 'a.ts': `// ${half}${other} later` }))).toHaveLength(1);
  });

  test('no fault in a mark that names its issue', () => {
    const [half, other] = ['TO', 'DO'];
    expect(rules.unfinishedMarks(files({ 'a.ts': `// @${half}${other} #12 something` }))).toEqual([]);
  });

  test('a name that says nothing', () => {
    const tree = files({ 'libs/utils/a.ts': '', 'src/helpers.ts': '', 'src/common/b.ts': '', 'src/commons.ts': '' });
    expect(rules.namesThatSayNothing(tree)).toEqual(['libs/utils/a.ts', 'src/common/b.ts', 'src/helpers.ts']);
  });

  test('YAML that does not parse', () => {
    const tree = files({ 'a.yaml': 'a: 1\n---\nb: 2\n', 'b.yml': 'a: [1\n' });
    expect(rules.yamlThatDoesNotParse(tree)).toEqual([expect.stringMatching(/^b\.yml: /)]);
  });

  test('a name that is not in kebab-case', () => {
    const tree = files({ 'README.md': '', 'a-b.test.ts': '', '.gitignore.md': '', 'aB.ts': '', 'a_b.ts': '' });
    expect(rules.namesThatAreNotKebabCase(tree)).toEqual(['aB.ts', 'a_b.ts']);
  });

  test('a file that is too long, tables apart', () => {
    const long = 'a;\n'.repeat(301);
    const tree = files({ 'a.ts': long, 'a.test.ts': long, 'a-tables.ts': long, 'b.ts': 'a;\n\n'.repeat(300) });
    expect(rules.filesThatAreTooLong(tree)).toEqual(['a.ts has 301 lines']);
  });

  test('a package that the lock file does not have', () => {
    const packages = { 'node_modules/a': { optionalDependencies: { 'a-darwin': '1', b: '1' } }, 'node_modules/b': {} };
    const tree = files({ 'package-lock.json': JSON.stringify({ packages }) });
    expect(rules.packagesTheLockFileLacks(tree)).toEqual(['a-darwin, of node_modules/a']);
  });
});
