/** The proxy in front of a broker that answers every request with its own body. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startControl } from './control.ts';
import { framed, framesOf } from './frames.ts';
import { type FaultProxy, startFaultProxy } from './index.ts';
import { until } from './until.ts';

/** No API of Kafka: it goes through unread. */
const ECHO = 999;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const startEcho = async (): Promise<{ address: string; bodies: string[] }> => {
  const bodies: string[] = [];
  const sockets = new Set<Socket>();
  const serve = async (socket: Socket): Promise<void> => {
    sockets.add(socket.on('error', () => undefined));
    for await (const frame of framesOf(socket)) {
      bodies.push(frame.toString('utf8', 10));
      socket.write(framed(frame.subarray(4, 8), frame.subarray(10)));
    }
  };
  const server = createServer((socket) => void serve(socket).catch(() => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
};

class Client {
  readonly socket: Socket;
  readonly #answers: AsyncGenerator<Buffer, void, void>;
  #correlationId = 0;

  constructor(proxy: FaultProxy, node = 1) {
    const [host, port] = proxy.brokers[node - 1]!.split(':');
    this.socket = connect(Number(port), host).on('error', () => undefined);
    this.#answers = framesOf(this.socket);
    closing.push(() => Promise.resolve(this.socket.destroy()));
  }

  send(body: string): void {
    const header = Buffer.alloc(10);
    header.writeInt16BE(ECHO);
    header.writeInt32BE((this.#correlationId += 1), 4);
    header.writeInt16BE(-1, 8);
    this.socket.write(framed(header, Buffer.from(body)));
  }

  /** `correlation id body`, or how it ended. */
  async receive(): Promise<string> {
    try {
      const { value } = await this.#answers.next();
      return value ? `${value.readInt32BE()} ${value.toString('utf8', 4)}` : 'closed';
    } catch {
      return 'closed';
    }
  }
}

const setup = async (nodes = 1) => {
  const broker = await startEcho();
  const proxy = await startFaultProxy({ upstream: broker.address, nodes });
  closing.push(() => proxy.close());
  return { broker, proxy };
};

describe('requests', () => {
  it('that are sent ahead are answered in order', async () => {
    const { proxy } = await setup();
    const client = new Client(proxy);
    proxy.inject({ on: ECHO, delay: 'answer', ms: 30, times: 1 });
    for (const body of ['a', 'b', 'c']) client.send(body);
    expect([await client.receive(), await client.receive(), await client.receive()]).toEqual(['1 a', '2 b', '3 c']);
    expect(proxy.seen().map(({ on, outcome }) => [on, outcome])).toEqual([[ECHO, 'answered'], [ECHO, 'answered'], [ECHO, 'answered']]);
  });

  it('are dropped, and the next one is answered; the broker has had one of the two', async () => {
    const { proxy, broker } = await setup();
    const client = new Client(proxy);
    proxy.inject({ drop: 'request', times: 1 });
    client.send('request');
    client.send('next');
    expect(await client.receive()).toBe('2 next');
    proxy.inject({ drop: 'answer', times: 1 });
    client.send('answer');
    client.send('last');
    expect(await client.receive()).toBe('4 last');
    expect(broker.bodies).toEqual(['next', 'answer', 'last']);
    expect(proxy.seen().map(({ outcome }) => outcome)).toEqual(['dropped', 'answered', 'dropped', 'answered']);
  });

  it('close the connection before or after the broker has handled them', async () => {
    const { proxy, broker } = await setup();
    for (const close of ['before handling', 'after handling'] as const) {
      proxy.inject({ close, times: 1 });
      const client = new Client(proxy);
      client.send(close);
      expect(await client.receive()).toBe('closed');
    }
    expect(broker.bodies).toEqual(['after handling']);
  });

  it('that are held reach the broker though the client has gone', async () => {
    const { proxy, broker } = await setup();
    const held = proxy.inject({ delay: 'request', ms: 30 });
    const client = new Client(proxy);
    client.send('late');
    await held.untilHit();
    client.socket.destroy();
    await until(() => broker.bodies.includes('late'));
  });
});

describe('connections', () => {
  it('of one node are reset, old and new, until the rule is lifted; the other node lives', async () => {
    const { proxy } = await setup(2);
    const old = new Client(proxy, 2);
    old.send('a');
    expect(await old.receive()).toBe('1 a');
    const refused = proxy.inject({ node: 2, connections: 'refused' });
    expect(await old.receive()).toBe('closed');
    expect(await new Client(proxy, 2).receive()).toBe('closed');
    const other = new Client(proxy, 1);
    other.send('b');
    expect(await other.receive()).toBe('1 b');
    refused.lift();
    const late = new Client(proxy, 2);
    late.send('c');
    expect(await late.receive()).toBe('1 c');
    expect(refused.hits).toBe(2);
  });

  it('freeze, and go on where they were', async () => {
    const { proxy, broker } = await setup();
    const frozen = proxy.inject({ connections: 'frozen' });
    const client = new Client(proxy);
    client.send('a');
    await frozen.untilHit();
    expect(broker.bodies).toEqual([]);
    frozen.lift();
    expect(await client.receive()).toBe('1 a');
  });

  it('end with the proxy, frozen ones too', async () => {
    const { proxy } = await setup();
    const frozen = proxy.inject({ connections: 'frozen' });
    const client = new Client(proxy);
    client.send('a');
    await frozen.untilHit();
    await proxy.close();
    expect(await client.receive()).toBe('closed');
  });

  it('end when there is no broker', async () => {
    const proxy = await startFaultProxy({ upstream: '127.0.0.1:9' });
    closing.push(() => proxy.close());
    expect(await new Client(proxy).receive()).toBe('closed');
    await expect(startFaultProxy({ upstream: 'nowhere' })).rejects.toThrow('"nowhere" is not host:port');
  });
});

describe('the control over HTTP', () => {
  const start = async () => {
    const { proxy } = await setup(2);
    const control = await startControl(proxy, 0);
    closing.push(() => control.close());
    const call = async (method: string, path: string, body?: unknown): Promise<[number, unknown]> => {
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(`${control.url}${path}`, { method, ...text });
      const answer = await response.text();
      return [response.status, answer === '' ? undefined : JSON.parse(answer)];
    };
    return { proxy, call };
  };

  it('makes rules, counts their hits, lifts them', async () => {
    const { proxy, call } = await start();
    const rule = { on: ECHO, close: 'after handling', times: 5 };
    expect(await call('POST', '/rules', rule)).toEqual([201, { id: 1, rule, hits: 0 }]);
    const client = new Client(proxy);
    client.send('a');
    expect(await client.receive()).toBe('closed');
    expect(await call('GET', '/rules')).toEqual([200, [{ id: 1, rule, hits: 1 }]]);
    expect(await call('DELETE', '/rules/1')).toEqual([204, undefined]);
    expect(await call('GET', '/rules')).toEqual([200, []]);
    expect(await call('DELETE', '/rules/1')).toMatchObject([404, {}]);
    expect(await call('GET', `/seen?on=${ECHO}&node=1`)).toMatchObject([200, [{ on: ECHO, rules: [1], outcome: 'closed' }]]);
    expect(await call('GET', '/seen?on=Produce')).toEqual([200, []]);
  });

  it('moves leaders and names the brokers', async () => {
    const { proxy, call } = await start();
    expect(await call('PUT', '/leaders', { topic: 'orders', partition: 0, node: 2 })).toEqual([204, undefined]);
    expect([proxy.leaderOf('orders', 0), proxy.leaderOf('orders', 1), proxy.leaderOf('orders', 2)]).toEqual([2, 2, 1]);
    expect(await call('GET', '/brokers')).toEqual([200, proxy.brokers]);
    expect(await call('PUT', '/leaders', { topic: 'orders', partition: 0, node: 3 })).toEqual([400, { error: 'there is no node 3' }]);
  });

  it.each([
    [{}, 'a rule has one of answerWith, drop, delay, close, connections'],
    [{ drop: 'request', close: 'before handling' }, 'a rule has one of answerWith, drop, delay, close, connections'],
    [{ drop: 'both', topic: 1, colour: 'red' }, 'drop is not one of request, answer; topic is not a string; colour has no place in a rule with drop'],
    [{ delay: 'answer' }, 'ms is missing'],
    [{ on: 'Produce', answerWith: 'OOPS' }, "answerWith is not the name or the number of one of Kafka's errors"],
    [{ on: 'CreateTopics', answerWith: 41 }, 'CreateTopics cannot be answered with an error: close or drop it'],
  ])('refuses %j', async (rule, error) => {
    const { call } = await start();
    expect(await call('POST', '/rules', rule)).toEqual([400, { error }]);
  });
});
