/** What must hold before anything is started. */
import { statfs } from 'node:fs/promises';
import { isPortFree } from '@osago/local-parts';
import { UsageError } from './usage-error.ts';

/** Postgres and Kafka take 100 MB for a start; the rest is what an afternoon of use writes. */
const FREE_BYTES_MIN = 1_000_000_000;

/** Throws {@link UsageError} when the port is taken. */
export const checkPort = async (port: number): Promise<void> => {
  if (await isPortFree(port)) return;
  throw new UsageError(
    `Port ${port} is taken by another program, or not open to this user. Choose another with npm start -- ` +
      `--port ${port === 8080 ? 8081 : 8080}, or any free one with --port 0.`,
  );
};

/** `dir` must exist. Throws {@link UsageError}. */
export const checkDisk = async (dir: string, bytesMin: number = FREE_BYTES_MIN): Promise<void> => {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (free >= bytesMin) return;
  const megabytes = (bytes: number): string => `${Math.floor(bytes / 1_000_000)} MB`;
  throw new UsageError(
    `Only ${megabytes(free)} are free on the disk of ${dir}, ${megabytes(bytesMin)} are needed. Free some, ` +
      'or choose a folder on another disk with --dir.',
  );
};
