/** An answer that is for its caller alone and of this moment. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

export const answerJson = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void => {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'private, no-store', ...headers })
    .end(JSON.stringify(body));
};
