/** A sign of life that a page can see. */
import { type Check, failed, passed, quoted } from '../check.ts';

export const heartbeat: Check = {
  name: 'heartbeat',
  why: 'Comments keep proxies awake, but no page sees them: without a named event it cannot tell a mute stream from a quiet one.',
  after: ['blank-lines'],
  async run(context) {
    const { heartbeatMs } = context.limits;
    const stream = await context.watched();
    const [first, second] = context.heartbeats(stream);
    const { comments, retries } = stream.parser;
    if (first === undefined) {
      if (stream.ending === 'clean') return failed('the stream ended without a named event that has no id');
      const instead = comments > 0 ? `only ${comments} comments` : `${stream.events.length} events, none of them one`;
      return failed(`no named event without an id within ${2 * heartbeatMs} ms: ${instead}`);
    }
    const name = quoted(first.event);
    if (second === undefined) {
      if (stream.ending === 'clean' && stream.endedAtMs - first.atMs <= heartbeatMs)
        return passed(`${name} once, the stream ended before the next was due`);
      return failed(`${name} once, and not again within ${heartbeatMs} ms (${retries.length} retries, ${comments} comments)`);
    }
    const gapMs = Math.round(second.atMs - first.atMs);
    return gapMs <= heartbeatMs ? passed(`${name} every ${gapMs} ms`) : failed(`${name} only every ${gapMs} ms`);
  },
};
