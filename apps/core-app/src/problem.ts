/** Problems of the API as RFC 9457 bodies. HTTP codes of faults exist here and nowhere below. */
import type { ServerResponse } from 'node:http';
import type { Fault, Problem } from '@osago/contracts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request has faults',
  401: 'No credential was given',
  404: 'There is no such request',
  405: 'The method is not offered here',
  409: 'Not as things stand',
  413: 'The body is too large',
  422: 'The key was used for something else',
  500: 'Something broke on our side',
  503: 'Not ready yet, ask again',
};

/** Thrown by a route to answer with a problem. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly faults: readonly Fault[] | undefined;

  constructor(status: number, detail?: string, faults?: readonly Fault[]) {
    super(detail ?? TITLES[status] ?? 'problem');
    this.status = status;
    this.faults = faults;
  }
}

const problemOf = ({ status, message, faults }: HttpProblem): Problem => {
  const title = TITLES[status] ?? 'Problem';
  return {
    type: 'about:blank',
    title,
    status,
    ...(message !== title && { detail: message }),
    ...(faults !== undefined && { errors: [...faults] }),
  };
};

/** Answers unless an answer has begun; then only the connection can be cut. */
export const answerProblem = (response: ServerResponse, problem: HttpProblem): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(problem.status === 503 && { 'retry-after': '2' }),
      ...(problem.status === 401 && { 'www-authenticate': 'Bearer' }),
    })
    .end(JSON.stringify(problemOf(problem)));
};
