import { expect, test } from '@jest/globals';
import { holdsAll } from '../installed.mjs';

const wanted = {
  '': { version: '1.0.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/only-on-macos': { version: '2.0.0', optional: true },
  'node_modules/@osago/web': {},
};

test('what npm has installed by hand is not installed again', () => {
  expect(holdsAll(wanted, { 'node_modules/a': { version: '1.0.0' }, 'node_modules/@osago/web': {} })).toBe(true);
});

test.each([
  ['a package is missing', { 'node_modules/@osago/web': {} }],
  ['a package has another version', { 'node_modules/a': { version: '1.0.1' }, 'node_modules/@osago/web': {} }],
  ['a workspace is new', { 'node_modules/a': { version: '1.0.0' } }],
])('is installed again when %s', (_why, there) => {
  expect(holdsAll(wanted, there)).toBe(false);
});
