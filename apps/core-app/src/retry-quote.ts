/**
 * `POST /requests/{request_id}/quotes/{insurer_id}/retry`: asks one insurer again, with what it said was missing where the
 * person has it. The same click later gets the same answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Application, type ApplicationChanges, checker, type InsurerSettings, type Quote, RetryBody, type RetryReply } from '@osago/contracts';
import { checkApplication, moscowDate, tariffAttributes, view } from '@osago/quotes';
import { answerJson } from './answer-json.ts';
import { changedApplication } from './application-changes.ts';
import { type CommandDeps, shownAfter } from './cancel-request.ts';
import { HttpProblem } from './problem.ts';
import type { RetryAskedEvent } from './request-commands.ts';
import { REQUEST_DEADLINE_MS } from './request-store.ts';
import { traceparentOf } from './traceparent.ts';

const checkBody = checker(RetryBody);
const checkWhole = checker(Application);

const mayBeAskedAgain = ({ final, status, retryable }: Quote): boolean =>
  final && (status === 'needs_data' || status === 'cancelled' || status === 'timeout' || retryable === true);

/** Throws a 400 whose faults point into the application. */
export const checkedChange = (application: Application, changes: ApplicationChanges, today: string): Application => {
  const changed = changedApplication(application, changes);
  if (!changed.ok) throw new HttpProblem(400, undefined, changed.faults);
  const checked = checkApplication(checkWhole, changed.value, today);
  if (!checked.ok) throw new HttpProblem(400, undefined, checked.faults);
  return checked.value;
};

export const retryQuote = (deps: CommandDeps & { insurers: readonly InsurerSettings[] }) => {
  const { bodies, commands, insurers, log, relay, showcase } = deps;

  const quoteOf = async (requestId: string, insurerId: string): Promise<Quote> => {
    const { state } = await shownAfter(deps, requestId);
    const quote = view(state, bodies.nowMs()).quotes.find(({ insurer_id }) => insurer_id === insurerId);
    if (quote === undefined) throw new HttpProblem(404, 'this insurer was not asked');
    return quote;
  };

  const replyOf = async ({ data }: RetryAskedEvent): Promise<RetryReply> => {
    const { attempt, deadline_at, revision } = data;
    return { attempt, deadline_at, revision, cursor: bodies.cursor(await shownAfter(deps, data.request_id)) };
  };

  return async (
    [requestId, insurerId]: readonly [requestId: string, insurerId: string],
    body: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const checked = checkBody(body);
    if (!checked.ok) throw new HttpProblem(400, undefined, checked.faults);
    const { attempt, changes = {} } = checked.value;
    const quote = await quoteOf(requestId, insurerId);
    // Of an attempt that is past only a click that came twice is answered, and Postgres knows which those are.
    const isPast = quote.attempt > attempt;
    if (!isPast && !mayBeAskedAgain(quote)) throw new HttpProblem(409, `its quote is ${quote.status}`);
    const stored = await commands.openApplication(requestId);
    if (stored === undefined) throw new HttpProblem(404);
    const today = moscowDate(bodies.nowMs());
    const application = isPast ? stored : checkedChange(stored, changes, today);
    const result = await commands.askRetry({
      request_id: requestId,
      insurer_id: insurerId,
      attempt,
      deadline_ms: insurers.find(({ insurer_id }) => insurer_id === insurerId)?.deadline_ms ?? REQUEST_DEADLINE_MS,
      application,
      tariff: tariffAttributes(application, today),
      traceparent: traceparentOf(request),
    });
    if (result.kind === 'unknown') throw new HttpProblem(404);
    if (result.kind === 'conflict') throw new HttpProblem(409, result.detail);
    showcase.apply(result.event, result.partition);
    if (result.kind === 'asked') {
      relay.wake();
      log.info({ request_id: requestId, insurer_id: insurerId, event_id: result.event.id }, 'insurer asked again');
    }
    answerJson(response, 202, await replyOf(result.event));
  };
};
