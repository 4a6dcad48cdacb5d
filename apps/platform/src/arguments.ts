/** What `npm start -- …` understands. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

export interface Arguments {
  port: number;
  pods: number;
  speed: number;
  dir: string;
}

export const USAGE = `npm start -- [options]

  --port N    where the page and the API are (8080; 0: any free port)
  --pods N    pods of core-app and of osago-aggregator, each (1)
  --speed N   how many times faster than life the simulated insurers are (1)
  --dir PATH  where data, keys and logs are kept (.platform)
  --help      this text`;

/** Beyond it a machine runs out of memory before it runs out of work. */
const PODS_MAX = 20;
/** What the simulator takes. */
const SPEED_MAX = 1_000_000;

const DECIMAL = /^(\d+\.?\d*|\.\d+)$/;

const number = (option: string, text: string, accepts: (value: number) => boolean, range: string): number => {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  if (accepts(value)) return value;
  throw new UsageError(`--${option} ${text} is not ${range}.\n\n${USAGE}`);
};

const within = (value: number, least: number, most: number): boolean => value >= least && value <= most;

export interface Places {
  /** The checkout: every tool looks for a running platform in its `.platform`. */
  root: string;
  /** Where the person is. */
  cwd: string;
}

/** Undefined when only the usage is asked for. Throws {@link UsageError}. */
export const parseArguments = (argv: readonly string[], { root, cwd }: Places): Arguments | undefined => {
  const { port, pods, speed, dir, help } = options(argv);
  if (help) return undefined;
  const whole = (least: number, most: number) => (value: number) => Number.isInteger(value) && within(value, least, most);
  return {
    port: number('port', port, whole(0, 65_535), 'a port from 0 to 65535'),
    pods: number('pods', pods, whole(1, PODS_MAX), `a whole number from 1 to ${PODS_MAX}`),
    speed: number('speed', speed, (value) => value > 0 && value <= SPEED_MAX, `a number above 0, up to ${SPEED_MAX}`),
    dir: dir === undefined ? join(root, '.platform') : resolve(cwd, dir),
  };
};

const options = (argv: readonly string[]) => {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string', default: '8080' },
        pods: { type: 'string', default: '1' },
        speed: { type: 'string', default: '1' },
        dir: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
};
