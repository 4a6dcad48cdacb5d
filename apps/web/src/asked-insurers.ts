/** Who is asked (`GET /insurers`), for the one field of the form that names one of them. */
import type { InsurersReply } from '@osago/contracts';
import { API_PREFIX } from '@osago/quote-stream';
import { type Fetch, jsonOf, POST_MS_MAX } from './post-request.ts';

export type AskedInsurer = Pick<InsurersReply['insurers'][number], 'insurer_id' | 'name'>;

/** Empty where the server does not say: the form can be sent without it. */
export const readInsurers = async (fetch: Fetch): Promise<readonly AskedInsurer[]> => {
  try {
    const response = await fetch(`${API_PREFIX}/insurers`, { signal: AbortSignal.timeout(POST_MS_MAX) });
    const answer = (await jsonOf(response)) as Partial<InsurersReply> | undefined;
    return response.ok ? (answer?.insurers ?? []) : [];
  } catch {
    return [];
  }
};
