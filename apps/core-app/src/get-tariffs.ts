/** `GET /tariffs`: which tables of the tariff are in force on a day, by default the first on which a policy may start. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDate } from '@osago/contracts';
import { earliestStart, moscowDate, tariffsInForce } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import { answerJson } from './answer-json.ts';
import { HttpProblem } from './problem.ts';

export const getTariffs =
  ({ clock }: { clock: Clock }) =>
  (query: URLSearchParams, _request: IncomingMessage, response: ServerResponse): void => {
    const on = query.get('on') ?? earliestStart(moscowDate(clock.nowMs()));
    if (!isDate(on)) {
      throw new HttpProblem(400, undefined, [{ pointer: '/on', code: 'bad_format', detail: 'is no day such as 2026-11-21' }]);
    }
    answerJson(response, 200, tariffsInForce(on), { 'cache-control': 'public, max-age=300' });
  };
