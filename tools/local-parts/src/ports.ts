/**
 * Ports for processes that are started on this machine. They come from below the range that the system takes for
 * outgoing connections (32768 and up on Linux, 49152 on macOS): a process that is restarted gets its port back, however
 * many connections were opened meanwhile.
 */
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { PartError } from './part-error.ts';

const LOWEST = 20_000;
const HIGHEST = 32_000;

/** A machine with every second port taken would fail once in 2^50. */
const TRIES_MAX = 50;

const given = new Set<number>();

/** Whether `port` can be listened on now, on all addresses and on the loopback alone. */
export const isPortFree = async (port: number): Promise<boolean> => {
  for (const host of [undefined, '127.0.0.1']) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen({ port, ...(host !== undefined && { host }) }, () => server.close(() => resolve(true)));
    });
    if (!free) return false;
  }
  return true;
};

/** A free port, never the same twice in one process. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new PartError(`No free port was found between ${LOWEST} and ${HIGHEST} on this machine.`);
};

/** Whether something accepts connections at this address within `timeoutMs`. */
export const accepts = (host: string, port: number, timeoutMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
