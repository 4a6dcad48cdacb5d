/** For the tests of this folder: an insurer's API in this process, which answers as the test says and keeps what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  socket: Socket;
}

export type AnswerWith = (asked: Asked, response: ServerResponse) => void;

const closing: (() => Promise<void>)[] = [];

/** For `afterEach`. Clients are closed before the servers that they hold connections to. */
export const closeServers = async (): Promise<void> => {
  for (const close of closing.splice(0).reverse()) await close();
};

export const closeLater = (close: () => Promise<void>): void => void closing.push(close);

export const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): AnswerWith =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

/** Never answers; the test sees from `socket` whether the client still waits. */
export const silence: AnswerWith = () => undefined;

export const startInsurer = async (answer: AnswerWith) => {
  const asked: Asked[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers, socket } = request;
    const one = { method, path, headers, socket, body: await text(request) };
    asked.push(one);
    answer(one, response);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
};
