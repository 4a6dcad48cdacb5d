/** `GET /tariffs`: which tables of the tariff are in force on a day, by default the first on which a policy may start. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { faultOf, isDate } from '@osago/contracts';
import { earliestStart, moscowDate, type RuleSettings, tariffsInForce } from '@osago/quotes';
import type { Clock } from '@osago/service-kit';
import { answerJson } from './answer-json.ts';
import { HttpProblem } from './problem.ts';

export const getTariffs =
  ({ clock, rules }: { clock: Clock; rules: RuleSettings }) =>
  (query: URLSearchParams, _request: IncomingMessage, response: ServerResponse): void => {
    const on = query.get('on') ?? earliestStart(moscowDate(clock.nowMs()), rules);
    if (!isDate(on)) {
      throw new HttpProblem(400, undefined, [faultOf('/on', 'bad_format', { format: 'date' })]);
    }
    answerJson(response, 200, tariffsInForce(on), { 'cache-control': 'public, max-age=300' });
  };
