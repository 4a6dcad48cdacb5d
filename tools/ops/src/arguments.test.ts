import { describe, expect, test } from '@jest/globals';
import { parseArguments, UsageError } from './arguments.ts';

const COMMANDS = ['list', 'redrive'] as const;
const parse = (...args: string[]) => parseArguments(args, COMMANDS);

describe('parseArguments', () => {
  test('takes a list, also as JSON', () => {
    expect(parse('list', '--json')).toEqual({ command: 'list', ids: [], isAll: false, isMeant: false, isJson: true });
  });

  test('takes what is to be sent again by id or as a whole, and whether it is meant', () => {
    expect(parse('redrive', 'a', 'b', '--yes')).toMatchObject({ ids: ['a', 'b'], isAll: false, isMeant: true });
    expect(parse('redrive', '--all')).toMatchObject({ ids: [], isAll: true, isMeant: false });
  });

  test.each<[string, string[], string]>([
    ['no command', [], '"" is none of list, redrive'],
    ['another command', ['drop'], '"drop" is none of list, redrive'],
    ['an unknown option', ['list', '--force'], "Unknown option '--force'"],
    ['neither ids nor --all', ['redrive', '--yes'], 'redrive takes either ids, as list shows them, or --all'],
    ['both', ['redrive', 'a', '--all'], 'redrive takes either ids, as list shows them, or --all'],
    ['a list of one', ['list', 'a'], 'list takes no ids, no --all and no --yes'],
  ])('refuses %s with one sentence', (_, args, sentence) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(sentence);
  });
});
