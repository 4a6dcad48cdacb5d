/** The estimates seen since the page was opened. */
import type { Quote } from '@osago/contracts';
import { useState } from 'react';
import { type Estimates, withEstimates } from './price-change.ts';

export const useEstimates = (quotes: readonly Quote[]): Estimates => {
  const [known, setKnown] = useState<Estimates>({});
  const next = withEstimates(known, quotes);
  // React draws again at once, before anything is shown.
  if (next !== known) setKnown(next);
  return next;
};
