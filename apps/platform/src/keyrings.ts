/** The key files that the apps need, made at the first start and kept: without them nothing sealed can be opened. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

export interface Keyrings {
  /** core-app seals applications on the log with it. */
  logPublic: string;
  /** osago-aggregator opens them with it. */
  logPrivate: string;
  /** core-app seals the rows of Postgres with it. */
  store: string;
  /** core-app signs access tokens with it. */
  access: string;
}

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

const writeKeys = async (path: string, keys: readonly JWK[]): Promise<void> => {
  const partial = `${path}.partial`;
  await writeFile(partial, `${JSON.stringify({ keys }, undefined, 2)}\n`, { mode: OWNER_ONLY_FILE });
  await rename(partial, path);
};

const logPair = async (): Promise<{ privateKey: JWK; publicKey: JWK }> => {
  const pair = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
  const marks = { kid: randomUUID(), use: 'enc', alg: 'ECDH-ES' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...marks },
    publicKey: { ...(await exportJWK(pair.publicKey)), ...marks },
  };
};

const secret = (alg: string): JWK => ({ kty: 'oct', k: randomBytes(32).toString('base64url'), kid: randomUUID(), alg });

/** Makes those that are missing. The two halves of the log key are made together, or they would not fit. */
export const ensureKeyrings = async (dir: string): Promise<Keyrings> => {
  await mkdir(dir, { recursive: true, mode: OWNER_ONLY_FOLDER });
  await chmod(dir, OWNER_ONLY_FOLDER);
  const file = (name: string): string => join(dir, `${name}.jwks.json`);
  const rings = {
    logPublic: file('log-public'),
    logPrivate: file('log-private'),
    store: file('store'),
    access: file('access'),
  };
  if (!existsSync(rings.logPublic) || !existsSync(rings.logPrivate)) {
    const { privateKey, publicKey } = await logPair();
    await writeKeys(rings.logPrivate, [privateKey]);
    await writeKeys(rings.logPublic, [publicKey]);
  }
  if (!existsSync(rings.store)) await writeKeys(rings.store, [secret('A256GCM')]);
  if (!existsSync(rings.access)) await writeKeys(rings.access, [secret('HS256')]);
  return rings;
};
