import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SAMPLE_KINDS, sampleApplication, sampleOfKind } from '@osago/quotes';
import { parseCommand } from './sample-command.ts';

const byChance = { seed: 42, today: '2026-11-21' };
const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'application.json');

describe('parseCommand', () => {
  test('takes both options, or what chance and the calendar give', () => {
    expect(parseCommand(['--seed', '7', '--today', '2026-01-15'], byChance)).toEqual({
      kind: 'run',
      command: { seed: 7, today: '2026-01-15' },
    });
    expect(parseCommand([], byChance)).toEqual({ kind: 'run', command: byChance });
  });

  test.each(SAMPLE_KINDS)('takes the kind %s', (kind) => {
    expect(parseCommand(['--kind', kind], byChance)).toEqual({ kind: 'run', command: { ...byChance, kind } });
  });

  test('offers help', () => {
    expect(parseCommand(['--help'], byChance)).toEqual({ kind: 'help' });
  });

  test.each([
    [['--seed', '-1']],
    [['--seed=1.5']],
    [['--seed=']],
    [['--kind', 'boat']],
    [['--kind=']],
    [['--today', '2026-02-30']],
    [['--sed', '1']],
    [['7']],
  ])('refuses %j in one sentence', (args) => {
    const parsed = parseCommand(args, byChance);
    expect(parsed).toMatchObject({ kind: 'refused', because: expect.stringMatching(/^[^\n]+[^.]$/) as unknown });
  });
});

describe('docs/examples/application.json', () => {
  test('is the sample of seed 1', () => {
    expect(JSON.parse(readFileSync(EXAMPLE, 'utf8'))).toEqual(sampleApplication(1, '2026-01-15'));
  });

  test('has a sibling for a motorcycle and one for a legal entity, of the same seed', () => {
    for (const kind of ['motorcycle', 'legal'] as const) {
      const path = EXAMPLE.replace('application.json', `application-${kind}.json`);
      expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(sampleOfKind(kind, 1, '2026-01-15'));
    }
  });
});
