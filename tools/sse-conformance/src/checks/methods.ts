/** HEAD and POST on the route of the stream. */
import { type Check, failed, passed, verdict } from '../check.ts';

export const headMethod: Check = {
  name: 'head',
  why: 'Monitors and link checkers send HEAD: a server that opens a stream for one leaks it, as nobody reads that.',
  async run(context) {
    const stream = await context.open(await context.sampleTarget(), { method: 'HEAD' });
    const { status } = stream.head;
    if (status >= 500 && status !== 501) return failed(`HEAD gives ${status}`);
    if (status === 405 && stream.header('allow') === '') return failed('HEAD gives 405 without Allow (RFC 9110 15.5.6)');
    // It may keep the connection; what counts is that it takes the next request.
    const again = await context.open(await context.sampleTarget(), { method: 'HEAD' });
    return verdict(
      again.head.status === status ? [] : [`HEAD gives ${status}, then ${again.head.status}`],
      `HEAD gives ${status}`,
    );
  },
};

export const postMethod: Check = {
  name: 'post',
  why: 'A browser only sends GET; another method must be refused in words (405 with Allow), not by an error of the server.',
  async run(context) {
    const stream = await context.open(await context.sampleTarget(), { method: 'POST' });
    const { status } = stream.head;
    if (status >= 500 && status !== 501) return failed(`POST gives ${status}`);
    if (status === 405 && stream.header('allow') === '') return failed('POST gives 405 without Allow (RFC 9110 15.5.6)');
    return passed(`POST gives ${status}${status === 405 ? `, Allow: ${stream.header('allow')}` : ''}`);
  },
};
