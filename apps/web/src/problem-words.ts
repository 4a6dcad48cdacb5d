/** What is said of a call that came to nothing; the faults of fields are said beside the fields. */
import type { Refused } from './post-request.ts';
import type { Texts } from './texts.ts';

export const problemWords = (texts: Texts, refused: Refused): string | undefined => {
  switch (refused.kind) {
    case 'faults':
      return undefined;
    case 'busy':
      return texts.problems.busy(refused.retryAfterS);
    case 'server':
      return texts.problems.server;
    case 'other':
      return refused.status === 401 || refused.status === 404 ? texts.problems.gone : texts.problems.other(refused.status);
    case 'unreachable':
      return texts.problems.unreachable;
  }
};
