import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JWK } from 'jose';
import { ConfigError } from './config.ts';
import { type Keyring, loadKeyring, loadSecrets, UnknownKeyError } from './sealing.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

const file = (content: unknown): string => {
  const folder = mkdtempSync(join(tmpdir(), 'osago-sealing-'));
  folders.push(folder);
  const path = join(folder, 'keys.jwks.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const ring = (...keys: unknown[]): Promise<Keyring> => loadKeyring(file({ keys }));

const bytes = (count: number): string => Buffer.alloc(count, 7).toString('base64url');
const secret = (kid: string, count = 32): JWK => ({ kty: 'oct', k: bytes(count), kid });
const pair = async (kid: string): Promise<{ open: JWK; seal: JWK }> => {
  const keys = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
  return {
    open: { ...(await exportJWK(keys.privateKey)), kid },
    seal: { ...(await exportJWK(keys.publicKey)), kid },
  };
};

/** The same JWE with one character of `part` changed: 0 header, 2 initial vector, 3 content, 4 tag. */
const tampered = (sealed: string, part: number): string => {
  const parts = sealed.split('.');
  const text = parts[part] ?? '';
  parts[part] = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  return parts.join('.');
};

describe('a pair of keys', () => {
  test('seals with the public half and opens with the private one', async () => {
    const { open, seal } = await pair('log-1');
    const sealed = await (await ring(seal)).seal('Иванов');
    expect(sealed).not.toContain('Иванов');
    expect(await (await ring(open)).open(sealed)).toBe('Иванов');
    expect(decodeProtectedHeader(sealed)).toMatchObject({ alg: 'ECDH-ES', enc: 'A256GCM', kid: 'log-1' });
  });

  test('does not open with the public half', async () => {
    const { seal } = await pair('log-1');
    const sealing = await ring(seal);
    await expect(sealing.open(await sealing.seal('x'))).rejects.toThrow();
  });

  test('does not open with another pair of the same name', async () => {
    const [one, other] = [await pair('log-1'), await pair('log-1')];
    const sealed = await (await ring(one.seal)).seal('x');
    await expect((await ring(other.open)).open(sealed)).rejects.toThrow();
  });
});

describe('a symmetric key', () => {
  test('seals and opens, and the same text is never sealed alike', async () => {
    const keys = await ring(secret('store-1'));
    const [one, two] = [await keys.seal('a row'), await keys.seal('a row')];
    expect(one).not.toBe(two);
    expect(await keys.open(one)).toBe('a row');
    expect(await keys.open(two)).toBe('a row');
  });

  test.each([0, 2, 3, 4])('opens nothing whose part %d was changed', async (part) => {
    const keys = await ring(secret('store-1'));
    await expect(keys.open(tampered(await keys.seal('a row'), part))).rejects.toThrow();
  });

  test.each(['', 'no jwe', 'a.b.c.d.e'])('opens nothing that is no JWE: "%s"', async (text) => {
    await expect((await ring(secret('store-1'))).open(text)).rejects.toThrow();
  });
});

describe('a keyring', () => {
  test('seals with its first key and opens with each', async () => {
    const older = await ring(secret('old'));
    const sealedBefore = await older.seal('before');
    const { open } = await pair('asymmetric');
    const keys = await ring({ ...secret('new'), k: Buffer.alloc(32, 9).toString('base64url') }, secret('old'), open);
    const sealedNow = await keys.seal('now');
    expect(decodeProtectedHeader(sealedNow).kid).toBe('new');
    expect(await keys.open(sealedNow)).toBe('now');
    expect(await keys.open(sealedBefore)).toBe('before');
    await expect(older.open(sealedNow)).rejects.toThrow(UnknownKeyError);
  });

  test('names the key that it does not have', async () => {
    const sealed = await (await ring(secret('gone'))).seal('x');
    await expect((await ring(secret('here'))).open(sealed)).rejects.toMatchObject({
      name: 'UnknownKeyError',
      kid: 'gone',
      message: 'no key gone in the keyring',
    });
  });
});

describe('a key file', () => {
  test.each<[string, unknown, RegExp]>([
    ['is no JSON', '{', /JSON/],
    ['is JSON null', 'null', /null/],
    ['has no list of keys', {}, /holds no keys/],
    ['has an empty list', { keys: [] }, /holds no keys/],
    ['has a key without a name', { keys: [{ kty: 'oct', k: bytes(32) }] }, /without "kid"/],
    ['has null for a key', { keys: [null] }, /without "kid"/],
    ['has a key of an unknown kind', { keys: [{ kty: 'XYZ', kid: 'a' }] }, /key a cannot be used/],
    ['has half a key', { keys: [{ kty: 'EC', crv: 'P-256', kid: 'a' }] }, /key a cannot be used/],
    ['has a key that is too short', { keys: [secret('a', 16)] }, /key a is not of 256 bit/],
  ])('that %s is a ConfigError with its path', async (_, content, says) => {
    const path = file(content);
    const loading = loadKeyring(path);
    await expect(loading).rejects.toBeInstanceOf(ConfigError);
    await expect(loading).rejects.toThrow(path);
    await expect(loading).rejects.toThrow(says);
  });

  test('that is not there is a ConfigError', async () => {
    await expect(loadKeyring('/no/such/file')).rejects.toBeInstanceOf(ConfigError);
    expect(() => loadSecrets('/no/such/file')).toThrow(ConfigError);
  });
});

describe('loadSecrets', () => {
  test('gives the raw bytes of each key in the order of the file', () => {
    const secrets = loadSecrets(file({ keys: [secret('b', 32), secret('a', 64)] }));
    expect([...secrets].map(([kid, key]) => [kid, key.length])).toEqual([['b', 32], ['a', 64]]);
    expect(secrets.get('b')?.equals(Buffer.alloc(32, 7))).toBe(true);
  });

  test('refuses keys that are not symmetric', async () => {
    const { open } = await pair('log-1');
    expect(() => loadSecrets(file({ keys: [open] }))).toThrow('key log-1 is not symmetric');
    expect(() => loadSecrets(file({ keys: [{ kty: 'oct', kid: 'empty' }] }))).toThrow('key empty is not symmetric');
  });
});

describe('a key that comes later', () => {
  test('is read from the file when a text asks for it; the key that seals stays', async () => {
    const path = file({ keys: [secret('store-1')] });
    const keys = await loadKeyring(path);
    const both = { keys: [{ ...secret('store-2'), k: Buffer.alloc(32, 9).toString('base64url') }, secret('store-1')] };
    const sealed = await (await loadKeyring(file(both))).seal('a row');
    await expect(keys.open(sealed)).rejects.toThrow(UnknownKeyError);
    writeFileSync(path, JSON.stringify(both));
    const giveUpAtMs = performance.now() + 5_000;
    for (;;) {
      const text = await keys.open(sealed).catch(() => undefined);
      if (text === 'a row') break;
      if (performance.now() > giveUpAtMs) throw new Error('the file is not read again');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(decodeProtectedHeader(await keys.seal('x')).kid).toBe('store-1');
  });

  test('does not cost the others when the file cannot be read for a moment', async () => {
    const path = file({ keys: [secret('store-1')] });
    const keys = await loadKeyring(path);
    const mine = await keys.seal('a row');
    const other = await (await ring(secret('store-2'))).seal('x');
    writeFileSync(path, '{');
    const giveUpAtMs = performance.now() + 600;
    while (performance.now() < giveUpAtMs) await expect(keys.open(other)).rejects.toThrow(UnknownKeyError);
    expect(await keys.open(mine)).toBe('a row');
  });
});
