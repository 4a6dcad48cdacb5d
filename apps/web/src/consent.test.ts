import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { CONSENTS, consentsOf } from './consent.ts';

test.each(['ru', 'en'] as const)('the hash of the %s consent is that of the text that is shown', (language) => {
  const { text, textSha256 } = CONSENTS[language];
  expect(createHash('sha256').update(text, 'utf8').digest('hex')).toBe(textSha256);
});

test('a tick sends version and hash of the shown text, no tick sends none', () => {
  const { version, textSha256 } = CONSENTS.en;
  expect(consentsOf(true, 'en')).toEqual([{ version, text_sha256: textSha256 }]);
  expect(consentsOf(false, 'en', '2026-11-21T09:00:00.000Z')).toEqual([]);
  expect(consentsOf(true, 'en', '2026-11-21T09:00:00.000Z')).toEqual([
    { version, text_sha256: textSha256, given_at: '2026-11-21T09:00:00.000Z' },
  ]);
});
