/** Locks that are shared by the tabs of an origin, as values: to have one is to hold the function that gives it back. */
import type { LockOptions, StreamLocks } from './stream-browser.ts';

export type Release = () => void;

/** Undefined when it is not to be had: taken and not waited for, no longer wanted, or forbidden here. */
export const takeLock = (
  locks: StreamLocks,
  name: string,
  options: LockOptions,
): Promise<Release | undefined> =>
  new Promise((resolve) => {
    locks
      .request(name, options, (lock) => {
        if (lock !== null) return new Promise<void>((release) => resolve(release));
        resolve(undefined);
        return Promise.resolve();
      })
      .catch(() => resolve(undefined));
  });

/** The first of several that nobody holds. */
export const takeAnyLock = async (locks: StreamLocks, names: readonly string[]): Promise<Release | undefined> => {
  for (const name of names) {
    const release = await takeLock(locks, name, { ifAvailable: true });
    if (release !== undefined) return release;
  }
  return undefined;
};
