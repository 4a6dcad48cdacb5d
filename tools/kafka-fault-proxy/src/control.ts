/** The proxy over HTTP, for tests that are not written for Node. */
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FaultProxy } from './fault-proxy.ts';
import { ruleFromJson } from './rule-from-json.ts';
import { RuleError, type RuleHandle, type Target } from './rules.ts';

export interface Control {
  /** `http://host:port` */
  readonly url: string;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

/** Far above any rule. */
const BODY_BYTES_MAX = 65_536;

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new RuleError('the body is too large');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new RuleError('the body is no JSON');
  }
};

const shown = ({ id, rule, hits }: RuleHandle): object => ({ id, rule, hits });

const targetOf = (query: URLSearchParams): Target => {
  const asNumber = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);
  const entries = [...query].map(([name, value]) =>
    name === 'topic' || name === 'client' ? [name, value] : [name, asNumber(value)],
  );
  // Unknown names match nothing that a request has, and are ignored.
  return Object.fromEntries(entries) as Target;
};

const reply = async (proxy: FaultProxy, request: IncomingMessage): Promise<Reply> => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
  const [, place, id] = pathname.split('/');
  switch (`${request.method ?? ''} /${place ?? ''}`) {
    case 'GET /brokers':
      return { status: 200, body: proxy.brokers };
    case 'GET /rules':
      return { status: 200, body: proxy.rules().map(shown) };
    case 'POST /rules':
      return { status: 201, body: shown(proxy.inject(ruleFromJson(await bodyOf(request)))) };
    case 'DELETE /rules': {
      const rules = proxy.rules().filter((rule) => id === undefined || rule.id === Number(id));
      if (rules.length === 0 && id !== undefined) return { status: 404, body: { error: `there is no rule ${id}` } };
      for (const rule of rules) rule.lift();
      return { status: 204 };
    }
    case 'PUT /leaders': {
      const { topic, partition, node } = (await bodyOf(request)) as { topic: unknown; partition: unknown; node: unknown };
      if (typeof topic !== 'string' || typeof partition !== 'number' || typeof node !== 'number') {
        throw new RuleError('topic, partition and node are wanted');
      }
      proxy.moveLeader(topic, partition, node);
      return { status: 204 };
    }
    case 'GET /seen':
      return { status: 200, body: proxy.seen(targetOf(searchParams)) };
    default:
      return { status: 404, body: { error: 'try /brokers, /rules, /leaders, /seen' } };
  }
};

/** On loopback. 0: any free port. */
export const startControl = async (proxy: FaultProxy, port: number): Promise<Control> => {
  const server = createServer((request, response) => {
    const failed = (error: unknown): Reply => {
      const isTheirs = error instanceof RuleError || error instanceof RangeError;
      return { status: isTheirs ? 400 : 500, body: { error: error instanceof Error ? error.message : String(error) } };
    };
    void reply(proxy, request)
      .catch(failed)
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
