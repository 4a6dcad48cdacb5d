/** What a Markdown document names: paths and npm scripts. */

export interface Named {
  line: number;
  text: string;
}

interface Code {
  line: number;
  text: string;
  isBlock: boolean;
}

const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length;

const blanked = (text: string): string => text.replace(/[^\n]/g, ' ');

const FENCE = /^( {0,3})(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ {0,3}\2[^\n]*$/gm;
/** Indented by four, after an empty line or another such line. */
const INDENTED = /(?<=^|\n[ \t]*\n)(?: {4}[^\n]*(?:\n|$)|[ \t]*\n(?= {4}))+/g;
const SPAN = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/g;
const LINK = /\]\(\s*<?([^)\s>]+)/g;

/** Code of a document, and the document without it. */
const splitCode = (document: string): { codes: Code[]; prose: string } => {
  const codes: Code[] = [];
  const taking = (pattern: RegExp, isBlock: boolean, part: number) => (text: string) => {
    for (const match of text.matchAll(pattern)) {
      codes.push({ line: lineAt(document, match.index), text: match[part] ?? '', isBlock });
    }
    return text.replace(pattern, (whole) => blanked(whole));
  };
  const withoutBlocks = taking(INDENTED, true, 0)(taking(FENCE, true, 0)(document));
  return { codes, prose: taking(SPAN, false, 2)(withoutBlocks) };
};

const EXTENSION = /\.(?:ts|tsx|mjs|js|md|ya?ml|json|sql|css|html|xml|java|svg|png)$/;
/** A name with something to be filled in, a pattern, an address, a package. */
const NO_PATH = /[<>*{}$…|=,()[\]"'\\]|:\/\/|^@|^\/|^~/;

const wordsOf = (text: string): string[] =>
  text
    .split(/\s+/)
    .map((word) => word.replace(/[.:;]+$/, '').replace(/:\d+$/, '').replace(/#.*$/, ''))
    .filter((word) => word !== '' && !NO_PATH.test(word) && /^[\w./@-]+$/.test(word));

/** What a build or a run makes, keys among it: in no clone. */
const MADE = /(?:^|\/)(?:\.platform|node_modules|dist|coverage|out)(?:\/|$)|\.jwks\.json$/;

/**
 * The paths a document names: targets of links, and words in code that look like a path. In prose's code a word does
 * when it ends in an extension or begins with a folder of `folders`; in a block, with pictures and trees, only the latter.
 */
export const pathsIn = (document: string, folders: ReadonlySet<string>): Named[] => {
  const { codes, prose } = splitCode(document);
  const links = [...prose.matchAll(LINK)]
    .map((match) => ({ line: lineAt(prose, match.index), text: (match[1] ?? '').replace(/#.*$/, '') }))
    .filter(({ text }) => text !== '' && !/^[a-z+]+:/i.test(text));
  const begins = (word: string): boolean => word.includes('/') && folders.has(word.split('/')[0] ?? '');
  const words = codes.flatMap(({ line, text, isBlock }) =>
    wordsOf(text)
      .filter((word) => /^\.\.?\//.test(word) || begins(word) || (!isBlock && !word.startsWith('.') && EXTENSION.test(word)))
      .map((word) => ({ line, text: word })),
  );
  return [...links, ...words].filter(({ text }) => !MADE.test(text)).sort((a, b) => a.line - b.line);
};

export interface NamedScript extends Named {
  workspace: string | undefined;
}

const SCRIPT = /\bnpm (?:run ([\w.:-]+)(?![\w.:<*-])|(start|test)\b)([^`\n]*)/g;
const WORKSPACE = /(?:^|\s)(?:-w|--workspace)[ =](\S+)/;

/** Scripts in code, as `npm run x`, `npm start` or `npm test`; a name that ends in `:<…>` stands for many and is none. */
export const scriptsIn = (document: string): NamedScript[] =>
  splitCode(document).codes.flatMap(({ line, text }) =>
    [...text.replace(/npm run\s+/g, 'npm run ').matchAll(SCRIPT)].map((match) => ({
      line,
      text: match[1] ?? match[2] ?? '',
      workspace: WORKSPACE.exec(match[3] ?? '')?.[1],
    })),
  );
