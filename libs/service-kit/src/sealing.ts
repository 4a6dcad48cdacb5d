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

interface OpeningKey {
  alg: 'dir' | 'ECDH-ES';
  key: Awaited<ReturnType<typeof importJWK>>;
}

/** By `kid`, in the file's order. */
const loadKeys = async (path: string): Promise<ReadonlyMap<string, OpeningKey>> =>
  new Map(
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

/** A file is not read more often, however many texts ask for keys that it does not hold. */
const RELOAD_EVERY_MS = 500;

/** A text under a key that came later reads the file again; the key that seals stays the one of the start. */
export const loadKeyring = async (path: string): Promise<Keyring> => {
  let keys = await loadKeys(path);
  let loadedAtMs = performance.now();
  const [sealing] = keys;
  if (sealing === undefined) throw new ConfigError(path, ['holds no keys']);
  const [kid, { alg, key }] = sealing;
  const reload = async (): Promise<void> => {
    if (performance.now() - loadedAtMs < RELOAD_EVERY_MS) return;
    loadedAtMs = performance.now();
    // A file that is being written cannot be read for a moment: what was read before stays in force.
    keys = await loadKeys(path).catch(() => keys);
  };
  const open = async (sealed: string): Promise<string> => {
    const { plaintext } = await compactDecrypt(sealed, ({ kid: wanted = '' }) => {
      const found = keys.get(wanted);
      if (found === undefined) throw new UnknownKeyError(wanted);
      return found.key;
    });
    return new TextDecoder().decode(plaintext);
  };
  return {
    seal: (text) =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg, enc: 'A256GCM', kid })
        .encrypt(key),
    open: async (sealed) => {
      try {
        return await open(sealed);
      } catch (error) {
        if (!(error instanceof UnknownKeyError)) throw error;
        await reload();
        return open(sealed);
      }
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
