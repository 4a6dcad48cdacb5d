/**
 * Seals text for the holder of a key, and opens it: compact JWE. Keys come from JWKS files. An asymmetric public key
 * (`log` keys: EC P-256, ECDH-ES) can seal only; a symmetric one (`store` keys: 256 bit, dir) does both.
 * The first key of a file seals; every key of it opens.
 */
import { readFileSync } from 'node:fs';
import { CompactEncrypt, compactDecrypt, importJWK, type JWK } from 'jose';
import { ConfigError } from './config.ts';

/** A256GCM with the key itself. */
const DIRECT_KEY_BYTES = 32;

export class UnknownKeyError extends Error {
  override readonly name = 'UnknownKeyError';
  readonly kid: string;

  constructor(kid: string) {
    super(`no key ${kid} in the keyring`);
    this.kid = kid;
  }
}

export interface Keyring {
  seal(text: string): Promise<string>;
  /** Throws {@link UnknownKeyError} when the key is not here, another error when the text was tampered with. */
  open(sealed: string): Promise<string>;
}

const readKeys = (path: string): JWK[] => {
  let keys: JWK[];
  try {
    keys = (JSON.parse(readFileSync(path, 'utf8')) as { keys: JWK[] }).keys;
  } catch (cause) {
    throw new ConfigError(path, [(cause as Error).message]);
  }
  if (!Array.isArray(keys) || keys.length === 0) throw new ConfigError(path, ['holds no keys']);
  if (keys.some((key) => !(key as JWK | null)?.kid)) throw new ConfigError(path, ['has a key without "kid"']);
  return keys;
};

export const loadKeyring = async (path: string): Promise<Keyring> => {
  const keys = new Map(
    await Promise.all(
      readKeys(path).map(async (jwk) => {
        const alg = jwk.kty === 'oct' ? 'dir' : 'ECDH-ES';
        const key = await importJWK(jwk, alg).catch((cause: unknown) => {
          throw new ConfigError(path, [`key ${jwk.kid} cannot be used: ${(cause as Error).message}`]);
        });
        if (key instanceof Uint8Array && key.length !== DIRECT_KEY_BYTES) {
          throw new ConfigError(path, [`key ${jwk.kid} is not of 256 bit`]);
        }
        return [jwk.kid as string, { alg, key }] as const;
      }),
    ),
  );
  const [sealing] = keys;
  if (sealing === undefined) throw new ConfigError(path, ['holds no keys']);
  const [kid, { alg, key }] = sealing;
  return {
    seal: (text) =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg, enc: 'A256GCM', kid })
        .encrypt(key),
    open: async (sealed) => {
      const { plaintext } = await compactDecrypt(sealed, ({ kid: wanted = '' }) => {
        const found = keys.get(wanted);
        if (found === undefined) throw new UnknownKeyError(wanted);
        return found.key;
      });
      return new TextDecoder().decode(plaintext);
    },
  };
};

/** The raw bytes of the symmetric keys of a JWKS file, by `kid`, in the file's order: for HMACs. */
export const loadSecrets = (path: string): ReadonlyMap<string, Buffer> =>
  new Map(
    readKeys(path).map((jwk) => {
      if (jwk.kty !== 'oct' || !jwk.k) throw new ConfigError(path, [`key ${jwk.kid} is not symmetric`]);
      return [jwk.kid as string, Buffer.from(jwk.k, 'base64url')];
    }),
  );
