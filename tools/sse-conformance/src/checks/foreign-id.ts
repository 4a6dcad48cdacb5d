/** An id that this stream never gave shows everything, not nothing. */
import { type Check, notOffered, verdict } from '../check.ts';
import { Reader, readingAdapter } from '../reader.ts';

export const foreignId: Check = {
  name: 'foreign-id',
  why: 'An id of another stream, an old epoch or a cluster set up anew must count as none: believed, it hides what there is.',
  after: ['garbage-id'],
  async run(context) {
    const adapter = readingAdapter(context);
    if (adapter === undefined) return notOffered('the adapter has no read(), makeChange() and truth()');
    const { settleMs } = context.limits;
    const [other, own] = [await context.target(), await context.target()];
    if (other.url === own.url) return notOffered('open() gives the same stream each time');
    const source = new Reader(context, adapter);
    await source.connect(other);
    // The other one is ahead, so that its position is beyond the end of this one.
    for (let changes = 0; changes < 3; changes += 1) await adapter.makeChange(other);
    await source.knows(await adapter.truth(other), settleMs);
    await adapter.makeChange(own);
    const reader = new Reader(context, adapter);
    reader.lastEventId = source.lastEventId;
    const refusal = await reader.connect(own);
    const truth = await adapter.truth(own);
    await reader.knows(truth, settleMs);
    const faults = reader.isFinished ? ['204: that reader never comes back'] : reader.history.lacks(truth);
    return verdict(refusal === undefined ? faults : [refusal], 'an id of another stream shows everything');
  },
};
