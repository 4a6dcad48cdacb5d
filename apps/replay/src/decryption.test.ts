import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeEvent, type OsagoEvent, TOPICS } from '@osago/contracts';
import { type Keyring, loadKeyring } from '@osago/service-kit';
import { exportJWK, generateKeyPair } from 'jose';
import { exportRecords } from './export.ts';
import { givenLog, type GivenLog, leg, OTHER_ID, retryAsked, submitted } from './replay-given.ts';
import { duckOverExport } from './sql.ts';

const APPLICATION = { vehicle: { make: 'Lada', plate: 'А123ВС77' } };

describe('an export with --decrypt', () => {
  let dir: string;
  let out: string;
  let log: GivenLog;
  let keys: Keyring;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'replay-decrypt-'));
    out = join(dir, 'out');
    log = givenLog();
    keys = await keyring('keys.json', 'log-1');
    const sealed = await keys.seal(JSON.stringify(APPLICATION));
    write(submitted(['alfa']), sealed);
    write(retryAsked('alfa', { revision: 2, attempt: 2, afterMs: 500 }), sealed);
    log.write(1_000, leg('alfa', 'quoted'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** Writes the private half, for who opens; gives the public one, which seals. */
  const keyring = async (file: string, kid: string): Promise<Keyring> => {
    const { privateKey, publicKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
    await writeFile(join(dir, file), JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid }] }));
    await writeFile(join(dir, `public-${file}`), JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid }] }));
    return loadKeyring(join(dir, `public-${file}`));
  };
  const write = (event: OsagoEvent, application_sealed: string): void => {
    const data = { ...event.data, application_sealed };
    log.writeRaw(0, { topic: TOPICS.requests, partition: 1, key: event.subject, value: encodeEvent({ ...event, data } as OsagoEvent) });
  };
  const decrypt = () => ({
    keyFile: join(dir, 'keys.json'),
    purpose: 'claim of a person',
    ticket: 'OPS-17',
    auditFile: join(dir, 'audit.ndjson'),
  });
  const options = () => ({ out, format: undefined, fromMs: 0, toMs: undefined });
  const audit = async (): Promise<object[]> =>
    (await readFile(join(dir, 'audit.ndjson'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as object);
  const applications = async (): Promise<unknown[]> => {
    const duck = await duckOverExport(out, 0);
    const { rows } = await duck.ask('SELECT application FROM records WHERE application IS NOT NULL');
    await duck.close();
    return rows.map(([cell]) => JSON.parse(String(cell)) as unknown);
  };

  it.each(['ndjson', 'csv', 'parquet'] as const)('has the application of each command, as %s, and its folder is private', async (format) => {
    await expect(exportRecords(log, { ...options(), format, decrypt: decrypt() })).resolves.toMatchObject({
      decrypted: { opened: 2, unopened: 0 },
    });
    expect(await applications()).toEqual([APPLICATION, APPLICATION]);
    expect((await stat(out)).mode & 0o777).toBe(0o700);
  });

  it('is in the audit log before and after: who, what for, what, and how many', async () => {
    await exportRecords(log, { ...options(), decrypt: decrypt() });
    const scope = { purpose: 'claim of a person', ticket: 'OPS-17', out, by: expect.any(String), to: 'end' };
    expect(await audit()).toEqual([
      expect.objectContaining({ happened: 'decrypt-begun', ...scope }),
      expect.objectContaining({ happened: 'decrypt-ended', ...scope, opened: 2, unopened: 0 }),
    ]);
  });

  it('does not begin where the audit log cannot be written', async () => {
    const nowhere = { ...decrypt(), auditFile: join(dir, 'no', 'audit.ndjson') };
    await expect(exportRecords(log, { ...options(), decrypt: nowhere })).rejects.toThrow('the audit log cannot be written');
    expect(log.reader.handedOver).toEqual([]);
  });

  it('does not begin without its keys', async () => {
    const none = { ...decrypt(), keyFile: join(dir, 'none.json') };
    await expect(exportRecords(log, { ...options(), decrypt: none })).rejects.toThrow('the keys cannot be read');
  });

  it('counts what it cannot open, and keeps the row', async () => {
    const others = await keyring('others.json', 'log-0');
    write(submitted(['alfa'], { id: OTHER_ID }), await others.seal('{}'));
    await expect(exportRecords(log, { ...options(), decrypt: decrypt() })).resolves.toMatchObject({
      records: 4,
      decrypted: { opened: 2, unopened: 1 },
    });
    expect(await audit()).toContainEqual(expect.objectContaining({ unopened: 1 }));
  });

  it('does not go on in the folder of a masked export, nor the other way round', async () => {
    await exportRecords(log, options());
    await expect(exportRecords(log, { ...options(), decrypt: decrypt() })).rejects.toThrow('holds an export without applications');
    const other = { ...options(), out: join(dir, 'other') };
    await exportRecords(log, { ...other, decrypt: decrypt() });
    await expect(exportRecords(log, other)).rejects.toThrow('holds an export with applications');
  });

  it('is not what happens without it', async () => {
    await expect(exportRecords(log, options())).resolves.not.toHaveProperty('decrypted');
    expect(await applications()).toEqual([]);
  });
});
