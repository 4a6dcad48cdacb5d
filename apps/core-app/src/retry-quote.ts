/**
 * `POST /requests/{request_id}/quotes/{insurer_id}/retry`: asks one insurer again, with what it said was missing where the
 * person has it. The same click later gets the same answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Application, type ApplicationChanges, checker, type InsurerSettings, type Quote, RetryBody, type RetryReply } from '@osago/contracts';
import { checkApplication, moscowDate, NO_OFFSETS, type RuleSettings, tariffAttributes, view } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import type { Access } from './access.ts';
import { answerJson } from './answer-json.ts';
import { changedApplication } from './application-changes.ts';
import { type CommandDeps, shownAfter } from './cancel-request.ts';
import { watchMarks } from './fraud-watch-marks.ts';
import { HttpProblem } from './problem.ts';
import type { RetryAskedEvent } from './request-commands.ts';
import { REQUEST_DEADLINE_MS } from './request-store.ts';
import { BEHIND_WAIT_MS } from './resume.ts';
import type { Shown } from './showcase.ts';
import { traceparentOf } from './traceparent.ts';
import { waitFor } from './wait.ts';

const checkBody = checker(RetryBody);
const checkWhole = checker(Application);

/** More than any pod has, so that what Postgres knows is added. */
const ALL_THERE_IS = { offsets: [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER], revision: 0 } as const;

const mayBeAskedAgain = ({ final, status, retryable }: Quote): boolean =>
  final && (status === 'needs_data' || status === 'cancelled' || status === 'timeout' || retryable === true);

/** What an application is checked by. */
export interface Rules {
  today: string;
  rules: RuleSettings;
}

/** Throws a 400 whose faults point into the application. */
export const checkedChange = (application: Application, changes: ApplicationChanges, { today, rules }: Rules): Application => {
  const changed = changedApplication(application, changes);
  if (!changed.ok) throw new HttpProblem(400, undefined, changed.faults);
  const checked = checkApplication(checkWhole, changed.value, today, rules);
  if (!checked.ok) throw new HttpProblem(400, undefined, checked.faults);
  return checked.value;
};

export interface RetryDeps extends CommandDeps {
  access: Pick<Access, 'mac'>;
  clock: Clock;
  insurers: readonly InsurerSettings[];
  rules: RuleSettings;
}

export const retryQuote = (deps: RetryDeps) => {
  const { access, bodies, commands, insurers, log, reader, relay, rules, showcase } = deps;

  /**
   * Whoever asks again has seen the quote of that attempt end. A pod that has not is behind: it asks Postgres for the
   * attempt, waits for its feed as a GET does, and then asks Postgres for all that the archive has.
   */
  const endedQuote = async (
    { requestId, insurerId, attempt }: { requestId: string; insurerId: string; attempt: number },
    signal: AbortSignal,
  ): Promise<Quote> => {
    const quoteIn = ({ state }: Shown): Quote => {
      const quote = view(state, bodies.nowMs()).quotes.find(({ insurer_id }) => insurer_id === insurerId);
      if (quote === undefined) throw new HttpProblem(404, 'this insurer was not asked');
      return quote;
    };
    const shown = await shownAfter(deps, requestId);
    if (quoteIn(shown).attempt < attempt) {
      await reader.read(requestId, { offsets: NO_OFFSETS, revision: shown.state.revision + 1 });
      const known = quoteIn(await shownAfter(deps, requestId));
      if (known.attempt < attempt) throw new HttpProblem(409, `attempt ${attempt} was never asked`);
    }
    const until = (later: Shown): boolean => {
      const quote = quoteIn(later);
      return quote.final || quote.attempt > attempt;
    };
    const hasEnded = await waitFor(deps, requestId, { until, forMs: BEHIND_WAIT_MS, signal });
    if (!hasEnded) await reader.read(requestId, ALL_THERE_IS);
    return quoteIn(await shownAfter(deps, requestId));
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
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const quote = await endedQuote({ requestId, insurerId, attempt }, gone.signal);
    // Of an attempt that is past only a click that came twice is answered, and Postgres knows which those are.
    const isPast = quote.attempt > attempt;
    if (!isPast && !mayBeAskedAgain(quote)) throw new HttpProblem(409, `its quote is ${quote.status}`);
    const stored = await commands.openApplication(requestId);
    if (stored === undefined) throw new HttpProblem(404);
    const today = moscowDate(bodies.nowMs());
    const application = isPast ? stored : checkedChange(stored, changes, { today, rules });
    const result = await commands.askRetry({
      request_id: requestId,
      insurer_id: insurerId,
      attempt,
      deadline_ms: insurers.find(({ insurer_id }) => insurer_id === insurerId)?.deadline_ms ?? REQUEST_DEADLINE_MS,
      application,
      marks: Object.keys(changes).length > 0 ? watchMarks(access, application) : undefined,
      tariff: tariffAttributes(application, today, rules),
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
