/** `DELETE /requests/{request_id}`: calls a request off. Its streams end by the rule of the clock and of commands. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CancelReply } from '@osago/contracts';
import { isFinished, view } from '@osago/quotes';
import type { Log } from '@osago/service-kit';
import { answerJson } from './answer-json.ts';
import { HttpProblem } from './problem.ts';
import type { QuotesBodies } from './quotes-body.ts';
import type { Relay } from './relay.ts';
import type { RequestCommands } from './request-commands.ts';
import type { RequestReader } from './request-reader.ts';
import type { Showcase, Shown } from './showcase.ts';
import { traceparentOf } from './traceparent.ts';

export interface CommandDeps {
  commands: RequestCommands;
  reader: Pick<RequestReader, 'read'>;
  relay: Pick<Relay, 'wake'>;
  showcase: Showcase;
  bodies: QuotesBodies;
  log: Log;
}

/** What is shown of a request after a command that just committed: this pod need not wait for the log. */
export const shownAfter = async ({ reader }: Pick<CommandDeps, 'reader'>, requestId: string): Promise<Shown> => {
  const shown = await reader.read(requestId);
  if (shown === undefined) throw new HttpProblem(404);
  return shown;
};

export const cancelRequest =
  (deps: CommandDeps) =>
  async (requestId: string, _query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { bodies, commands, log, relay, showcase } = deps;
    const shown = await shownAfter(deps, requestId);
    const answer = (status: number, { state, partition }: Shown): void => {
      const reply: CancelReply = { revision: state.revision, cursor: bodies.cursor({ state, partition }) };
      answerJson(response, status, reply);
    };
    if (isFinished(view(shown.state, bodies.nowMs()))) return answer(200, shown);
    const result = await commands.cancelRequest({ request_id: requestId, traceparent: traceparentOf(request) });
    if (result.kind === 'unknown') throw new HttpProblem(404);
    // Also the cancel that another pod has taken: this one may not have heard of it yet.
    showcase.apply(result.event, result.partition);
    if (result.kind === 'cancelled') {
      relay.wake();
      log.info({ request_id: requestId, event_id: result.event.id }, 'request cancelled');
    }
    answer(result.kind === 'cancelled' ? 202 : 200, await shownAfter(deps, requestId));
  };
