/** `npm run sample`: an application on standard output. A bad option is one sentence, the usage and exit code 2. */
import { sampleApplication, sampleOfKind } from '@osago/quotes';
import { parseCommand, USAGE } from './sample-command.ts';

const byChance = {
  seed: Math.floor(Math.random() * 1_000_000),
  today: new Date().toISOString().slice(0, 10),
};

const parsed = parseCommand(process.argv.slice(2), byChance);
switch (parsed.kind) {
  case 'run': {
    const { kind, seed, today } = parsed.command;
    const application = kind === undefined ? sampleApplication(seed, today) : sampleOfKind(kind, seed, today);
    process.stdout.write(`${JSON.stringify(application, null, 2)}\n`);
    break;
  }
  case 'help':
    process.stdout.write(USAGE);
    break;
  case 'refused':
    process.stderr.write(`${parsed.because}.\n\n${USAGE}`);
    process.exitCode = 2;
}
