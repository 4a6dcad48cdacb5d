import { expect, test } from '@jest/globals';
import { parseArguments } from './arguments.ts';

const places = { root: '/checkout', cwd: '/home' };
const parse = (...argv: string[]) => parseArguments(argv, places);

test('without options: port 8080, one pod, life speed, .platform of the checkout', () => {
  expect(parse()).toEqual({ port: 8080, pods: 1, speed: 1, dir: '/checkout/.platform' });
});

test('takes every option; a folder is meant from where the person is', () => {
  expect(parse('--port', '0', '--pods=3', '--speed', '0.5', '--dir', 'x')).toEqual({
    port: 0,
    pods: 3,
    speed: 0.5,
    dir: '/home/x',
  });
});

test('asks for the usage', () => {
  expect(parse('--help')).toBeUndefined();
});

test.each([
  [['--port', '80800'], '--port 80800 is not a port from 0 to 65535.'],
  [['--port', 'http'], '--port http is not a port'],
  [['--pods', '0'], '--pods 0 is not a whole number from 1 to 20.'],
  [['--pods', '1.5'], '--pods 1.5 is not a whole number'],
  [['--speed', '0'], '--speed 0 is not a number above 0'],
  [['--speed', '1e3'], '--speed 1e3 is not a number above 0'],
  [['--bogus'], "Unknown option '--bogus'"],
  [['8081'], "Unexpected argument '8081'"],
])('refuses %j in one sentence, with the usage', (argv, sentence) => {
  expect(() => parse(...argv)).toThrow(sentence);
  expect(() => parse(...argv)).toThrow('npm start -- [options]');
});
