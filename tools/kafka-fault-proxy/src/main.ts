#!/usr/bin/env node
/** The proxy as a process of its own, until it is interrupted. */
import { parseArgs } from 'node:util';
import { startControl } from './control.ts';
import { startFaultProxy } from './fault-proxy.ts';

const USAGE = `usage: kafka-fault-proxy --upstream host:port [--nodes n] [--port p] [--control p]

  --upstream  the real broker
  --nodes     as how many brokers it is presented (1)
  --port      of the first of them, the others follow (any free ones)
  --control   port of the HTTP control (any free one):
                POST   /rules      {"on":"Produce","topic":"orders","partition":1,
                                    "answerWith":"NOT_LEADER_OR_FOLLOWER","times":1}
                GET    /rules      those in force, with their hits
                DELETE /rules/:id  lifts one; without id, all
                PUT    /leaders    {"topic":"orders","partition":1,"node":2}
                GET    /seen       the requests; ?on=Produce&topic=orders narrows
                GET    /brokers    what clients bootstrap from
`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

const numberOf = (name: string, text: string, [least, most]: [number, number]): number => {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new UsageError(`--${name} is a number from ${least} to ${most}`);
  return value;
};

const optionsOf = (args: string[]) => {
  const one = { type: 'string' } as const;
  try {
    const options = { upstream: one, nodes: one, port: one, control: one, help: { type: 'boolean' } } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

const run = async (args: string[]): Promise<void> => {
  const { upstream, nodes = '1', port = '0', control = '0', help = false } = optionsOf(args);
  const say = (line: string): void => void process.stdout.write(line);
  if (help) return say(USAGE);
  if (upstream === undefined) throw new UsageError('--upstream is missing');
  const proxy = await startFaultProxy({
    upstream,
    nodes: numberOf('nodes', nodes, [1, 100]),
    firstPort: numberOf('port', port, [0, 65_535]),
  });
  const controlled = await startControl(proxy, numberOf('control', control, [0, 65_535]));
  say(`brokers ${proxy.brokers.join(',')}\ncontrol ${controlled.url}\n`);
  const stop = (): void => void Promise.all([controlled.close(), proxy.close()]);
  process.once('SIGINT', stop).once('SIGTERM', stop);
};

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
  process.exitCode = 1;
}
