/**
 * Operator calls on the private port:
 * `GET /insurers`, `GET /insurers/{insurer_id}/history`, `POST /insurers/{insurer_id}/changes`. Errors are problem+json.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checker, type Fault, InsurerChange } from '@osago/contracts';
import type { OperatorCalls } from '@osago/service-kit';
import type { InsurerOperations } from './insurer-operations.ts';

/** Many times the longest change. */
const BODY_BYTES_MAX = 8_192;
const checkChange = checker(InsurerChange);
const PATH = /^\/insurers\/([a-z0-9-]{1,60})\/(history|changes)$/;

type Answer = readonly [status: number, body: unknown];

const problem = (status: number, title: string, errors?: readonly Fault[]): Answer => [
  status,
  { type: 'about:blank', title, status, ...(errors !== undefined && { errors }) },
];
const AWAY = problem(503, 'Redis does not answer; nothing has changed');

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
};

const change = async (operations: InsurerOperations, insurerId: string, request: IncomingMessage): Promise<Answer> => {
  const body = await readJson(request);
  if (body === undefined) return problem(400, 'the body is no JSON, or too long');
  const checked = checkChange(body);
  if (!checked.ok) return problem(400, 'the change is not valid', checked.faults);
  const { breaker, limits, paused } = checked.value;
  if (breaker === undefined && limits === undefined && paused === undefined) return problem(400, 'nothing is changed');
  const state = await operations.change(insurerId, checked.value);
  return state === undefined ? AWAY : [200, state];
};

const answer = async (operations: InsurerOperations, request: IncomingMessage, path: string): Promise<Answer> => {
  if (path === '/insurers') {
    return request.method === 'GET' ? [200, await operations.states()] : problem(405, 'only GET is known here');
  }
  const [, insurerId = '', what] = PATH.exec(path) ?? [];
  if (!operations.has(insurerId)) return problem(404, 'no such insurer');
  if (what === 'history') {
    if (request.method !== 'GET') return problem(405, 'only GET is known here');
    const history = await operations.history(insurerId);
    return history === undefined ? AWAY : [200, history];
  }
  if (request.method !== 'POST') return problem(405, 'only POST is known here');
  return change(operations, insurerId, request);
};

export const operatorCalls =
  (operations: InsurerOperations): OperatorCalls =>
  async (request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> => {
    if (path !== '/insurers' && !path.startsWith('/insurers/')) return false;
    const [status, body] = await answer(operations, request, path);
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
    return true;
  };
