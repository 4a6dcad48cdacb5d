import { afterEach, describe, expect, test } from '@jest/globals';
import { createLog, UnknownKeyError } from '@osago/service-kit';
import { APPLICATION, until } from './aggregator-given.ts';
import { Applications, UNREADABLE } from './applications.ts';

const opened: Applications[] = [];
afterEach(() => opened.splice(0).forEach((applications) => applications.close()));

const TEXT = JSON.stringify(APPLICATION);

/** A keyring whose key comes with the `comesAt`-th try. */
const setup = (comesAt: number, patienceMs: number) => {
  let tries = 0;
  const open = (): Promise<string> =>
    (tries += 1) < comesAt ? Promise.reject(new UnknownKeyError('log-2')) : Promise.resolve(TEXT);
  const logKeys = { seal: () => Promise.resolve(''), open };
  const applications = new Applications({ logKeys, log: createLog('test', 'silent') }, { patienceMs });
  opened.push(applications);
  return { applications, tries: () => tries };
};

describe('an application', () => {
  test('is opened at once when its key is there', async () => {
    const { applications, tries } = setup(1, 0);
    expect(await applications.open('sealed', 'r')).toEqual(APPLICATION);
    expect(tries()).toBe(1);
  });

  test('waits for a key that comes a moment later', async () => {
    const { applications, tries } = setup(2, 60_000);
    expect(await applications.open('sealed', 'r')).toEqual(APPLICATION);
    expect(tries()).toBe(2);
  });

  test('is the reply of every insurer when its key does not come in time', async () => {
    const { applications, tries } = setup(Infinity, 0);
    expect(await applications.open('sealed', 'r')).toEqual({ kind: 'fault', fault: 'rejected', message: UNREADABLE });
    expect(tries()).toBe(1);
  });

  test('is waited for by nobody when the pod stops', async () => {
    const { applications, tries } = setup(Infinity, 60_000);
    const opening = applications.open('sealed', 'r');
    await until('it has tried', () => tries() === 1);
    applications.close();
    expect(await opening).toMatchObject({ message: UNREADABLE });
  });

  test('that is not stored with a run that lost its record cannot be opened', async () => {
    const { applications } = setup(1, 60_000);
    expect(await applications.open(undefined, 'r')).toMatchObject({ message: UNREADABLE });
  });
});
