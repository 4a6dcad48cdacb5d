/** The connection under a stream, once the request is read. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Reads the request to its end, or until its sender has gone. A body means nothing here. */
export const readToEnd = (request: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    request.on('end', resolve);
    request.on('close', resolve);
    request.resume();
  });

/**
 * True when a request behind this one is not read to its end. node:http would let go of that too, and a request that it
 * lets go so takes the connection along.
 */
const isRequestBehind = ({ socket }: IncomingMessage): boolean => {
  const { parser } = socket as Socket & { parser?: { incoming: IncomingMessage | null } | null };
  return parser?.incoming?.readableEnded === false;
};

/** Whether the connection can be had: the request is read, its sender there, and no other answer or request in the way. */
export const canTakeSocket = (request: IncomingMessage, response: ServerResponse): boolean =>
  request.readableEnded && response.socket === request.socket && !request.socket.destroyed && !isRequestBehind(request);

/** For errors that nobody sees: the stack is nearly all that one costs, and node:http makes one for each request it lets go. */
const withoutStackTraces = (work: () => void): void => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

/**
 * Takes the connection out of the hands of node:http, which lets go of request, response and parser: most of what an
 * open stream costs. To it the connection is closed. What the client still sends is thrown away, and so never taken for
 * another request in the midst of the stream.
 */
export const takeSocket = (request: IncomingMessage, response: ServerResponse): Socket => {
  const { socket } = request;
  response.detachSocket(socket);
  const closed = socket.listeners('close');
  socket.removeAllListeners();
  withoutStackTraces(() => {
    for (const listener of closed) listener.call(socket, false);
  });
  socket.on('data', () => undefined);
  // A reset is followed by `close`, which says all that there is to know.
  socket.on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  return socket;
};
