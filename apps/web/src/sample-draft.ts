/** A form filled in with another made-up person each time. */
import { sampleApplication } from '@osago/quotes/sample-application';
import { type Draft, draftOf } from './application-draft.ts';

/** Far more than anybody looks at, so two visitors rarely send the same car. */
const SEEDS = 1_000_000;

export const sampleDraft = (): Draft => {
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
  return draftOf(sampleApplication(Math.floor(Math.random() * SEEDS), today));
};
