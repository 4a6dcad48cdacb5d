/** `GET /insurers`: who is asked, and how each of them is. Public. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InsurerSettings, InsurersReply } from '@osago/contracts';
import { answerJson } from './answer-json.ts';
import type { InsurerStates } from './insurer-states.ts';

export interface GetInsurersDeps {
  insurers: readonly InsurerSettings[];
  states: Pick<InsurerStates, 'stateOf'>;
}

export const getInsurers =
  ({ insurers, states }: GetInsurersDeps) =>
  async (_query: URLSearchParams, _request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply: InsurersReply = {
      insurers: await Promise.all(
        insurers.map(async ({ insurer_id, name }) => ({ insurer_id, name, state: await states.stateOf(insurer_id) })),
      ),
    };
    answerJson(response, 200, reply, { 'cache-control': 'public, max-age=1' });
  };
