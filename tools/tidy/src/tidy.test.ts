import { describe, expect, test } from '@jest/globals';
import { packagesNotDeclared } from './declared-packages.ts';
import { generatedDocs } from './generated-docs.ts';
import { listFiles, readText } from './repository.ts';
import * as rules from './tidy-rules.ts';

const files: rules.Files = { paths: listFiles(), read: readText };

describe('the repository', () => {
  test('has generated documents that are fresh; if not: npm run docs', async () => {
    const docs = [...(await generatedDocs())];
    expect(docs.flatMap(([path, text]) => (files.paths.includes(path) && readText(path) === text ? [] : [path]))).toEqual([]);
  });

  test.each([
    ['names no path in a document that is not there', rules.pathsThatAreNotThere],
    ['names no npm script in a document that is not there', rules.scriptsThatAreNotThere],
    ['has a README of at most a screen in every workspace', rules.workspacesWithoutReadme],
    ['leaves no test out', rules.testsThatAreLeftOut],
    ['has no mark of unfinished work without the number of an issue', rules.unfinishedMarks],
    ['has no file or folder whose name says nothing', rules.namesThatSayNothing],
    ['has only YAML that parses', rules.yamlThatDoesNotParse],
    ['has file names in kebab-case', rules.namesThatAreNotKebabCase],
    ['has no file of more than 300 lines, or 500 for a test, empty ones and tables apart', rules.filesThatAreTooLong],
    ['declares in each workspace what that imports', packagesNotDeclared],
    ['has a lock file that npm ci takes on every system; if not: node tools/tidy/src/lock-file.ts', rules.packagesTheLockFileLacks],
  ])('%s', (_, offendersOf) => {
    expect(offendersOf(files)).toEqual([]);
  });
});
