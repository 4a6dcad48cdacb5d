/**
 * `prepack` and `postpack`: in the workspace the package is its sources, in the tarball what is built from them.
 *
 * `types` writes the few types of @osago/contracts out in full, so that the tarball needs no other package; `make` lets
 * the declarations import them, and applies publishConfig, which npm does not do by itself; `undo` takes that back.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = import.meta.dirname;
const DIST = join(ROOT, 'dist');
const PACKAGE = join(ROOT, 'package.json');
const KEPT = join(DIST, 'package.workspace.json');
const CONTRACTS = '@osago/contracts';
const OWN_TYPES = 'contract-types';

const FLAGS: ts.TypeFormatFlags =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.InTypeAlias |
  ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType;

const program = (): ts.Program => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  // What this makes is what the paths of the build point to.
  const json = { ...config, compilerOptions: { ...config.compilerOptions, paths: {} } };
  const { fileNames, options } = ts.parseJsonConfigFileContent(json, ts.sys, ROOT);
  return ts.createProgram(fileNames, options);
};

/** The names that our sources import from the contracts. */
const importedNames = (file: ts.SourceFile): ts.Identifier[] =>
  file.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement)) return [];
    if ((statement.moduleSpecifier as ts.StringLiteral).text !== CONTRACTS) return [];
    const bindings = statement.importClause?.namedBindings;
    return bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name) : [];
  });

const writeTypes = (): void => {
  const built = program();
  const checker = built.getTypeChecker();
  const texts = new Map<string, string>();
  for (const file of built.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(ROOT, 'src')))) {
    for (const name of importedNames(file)) {
      texts.set(name.text, checker.typeToString(checker.getTypeAtLocation(name), undefined, FLAGS));
    }
  }
  const lines = [...texts].sort().map(([name, text]) => `export type ${name} = ${text};\n`);
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST);
  writeFileSync(join(DIST, `${OWN_TYPES}.d.ts`), lines.join('\n'));
};

const makePacked = (): void => {
  for (const name of readdirSync(DIST).filter((file) => file.endsWith('.d.ts'))) {
    const path = join(DIST, name);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(`'${CONTRACTS}'`, `'./${OWN_TYPES}.js'`));
  }
  const text = readFileSync(PACKAGE, 'utf8');
  // Of its dependencies only types are used, and those are in the tarball.
  const { publishConfig, scripts: _scripts, nx: _nx, dependencies: _types, devDependencies: _dev, ...rest } = JSON.parse(
    text,
  ) as {
    publishConfig: { access: string; exports: object };
    [field: string]: unknown;
  };
  const { access, ...packed } = publishConfig;
  writeFileSync(KEPT, text);
  writeFileSync(PACKAGE, `${JSON.stringify({ ...rest, ...packed, publishConfig: { access } }, undefined, 2)}\n`);
};

const DEEDS = new Map([
  ['types', writeTypes],
  ['make', makePacked],
  ['undo', (): void => renameSync(KEPT, PACKAGE)],
]);

const deed = DEEDS.get(process.argv[2] ?? '');
if (deed === undefined) throw new Error(`one of: ${[...DEEDS.keys()].join(', ')}`);
deed();
