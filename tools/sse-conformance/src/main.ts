#!/usr/bin/env node
/** `sse-conformance`: see the README. */
import { type Command, parseCommand, USAGE } from './arguments.ts';
import { AdapterFileError, loadAdapter } from './load-adapter.ts';
import { asJson, HEADING, resultLines, summary } from './report.ts';
import { isConformant, runSuite } from './suite.ts';

const EXIT_NOT_CONFORMANT = 1;
const EXIT_USAGE = 2;

const run = async ({ url, adapterFile, isJson, only, skip, limits }: Command): Promise<void> => {
  const adapter = adapterFile === undefined ? undefined : await loadAdapter(adapterFile, url);
  const print = (text: string): unknown => isJson || process.stdout.write(text);
  print(HEADING);
  const results = await runSuite({ url, adapter, only, skip, limits, onResult: (result) => print(resultLines(result)) });
  print(summary(results));
  if (isJson) process.stdout.write(asJson(url, results));
  // Node 24 may spin for ever in its own clean-up after sockets that were reset: it is not waited for.
  process.exit(isConformant(results) ? 0 : EXIT_NOT_CONFORMANT);
};

const parsed = parseCommand(process.argv.slice(2));
switch (parsed.kind) {
  case 'print':
    process.stdout.write(parsed.text);
    break;
  case 'refused':
    process.stderr.write(`${parsed.because}\n\n${USAGE}`);
    process.exitCode = EXIT_USAGE;
    break;
  case 'run':
    await run(parsed.command).catch((error: unknown) => {
      process.stderr.write(`${error instanceof AdapterFileError ? error.message : String(error)}\n`);
      process.exitCode = EXIT_USAGE;
    });
    break;
}
