/** `GET /requests/{request_id}`: the application as it was sent, personal data masked, and how the request stands. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestReply } from '@osago/contracts';
import { view } from '@osago/quotes';
import { requestPath } from './access.ts';
import { answerJson } from './answer-json.ts';
import { type CommandDeps, shownAfter } from './cancel-request.ts';
import { maskedApplication } from './masked-application.ts';
import { HttpProblem } from './problem.ts';

export const getRequest =
  (deps: Pick<CommandDeps, 'reader' | 'bodies'> & { commands: Pick<CommandDeps['commands'], 'openApplication'> }) =>
  async (requestId: string, _query: URLSearchParams, _request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { state } = await shownAfter(deps, requestId);
    const application = await deps.commands.openApplication(requestId);
    if (application === undefined) throw new HttpProblem(404);
    const { request_id, revision, status, accepted_at, deadline_at } = view(state, deps.bodies.nowMs());
    const self = requestPath(request_id);
    const reply: RequestReply = {
      request_id,
      revision,
      status,
      accepted_at,
      deadline_at,
      application: maskedApplication(application),
      links: { self, stream: `${self}/stream`, quotes: `${self}/quotes` },
    };
    answerJson(response, 200, reply);
  };
