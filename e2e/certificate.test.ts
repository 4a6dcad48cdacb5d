import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { makeCertificate } from './certificate.ts';

test('makes a certificate for 127.0.0.1 that its key has signed, valid around now', () => {
  const nowMs = Date.parse('2026-11-21T12:00:00Z');
  const { certificate, key } = makeCertificate(nowMs);
  const parsed = new X509Certificate(certificate);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(parsed.validFromDate.getTime()).toBe(nowMs - 86_400_000);
  expect(parsed.validToDate.getTime()).toBe(nowMs + 86_400_000);
});
