/** The bytes of the stream, over everything that the long look has seen. */
import { type Check, passed, quoted, verdict } from '../check.ts';

export const blankLines: Check = {
  name: 'blank-lines',
  why: 'Only a blank line dispatches an event; what stands before the end without one is lost.',
  async run(context) {
    const { parser, events, ending } = await context.watched();
    const { undispatchedLines } = parser;
    const isLeftOver = undispatchedLines > 0 && (ending === 'clean' || events.length === 0);
    return verdict(
      isLeftOver ? [`${undispatchedLines} lines without a blank line after them`] : [],
      `${events.length} events`,
    );
  },
};

export const lineEnds: Check = {
  name: 'line-ends',
  why: 'One kind of line end, LF or CRLF: mixed ones and CR alone are legal, and break parsers that are not a browser.',
  async run(context) {
    const { lf, crlf, cr } = (await context.watched()).parser.lineEnds;
    const seen = `LF ${lf}, CRLF ${crlf}, CR ${cr}`;
    const isMixed = [lf, crlf, cr].filter((count) => count > 0).length > 1;
    return verdict(isMixed ? [`mixed: ${seen}`] : cr > 0 ? [`CR alone: ${seen}`] : [], seen);
  },
};

export const utf8: Check = {
  name: 'utf-8',
  why: 'Invalid bytes become question marks; so does a character that was cut between two writes before it was encoded.',
  async run(context) {
    const { body, ending } = await context.watched();
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const faults: string[] = [];
    let offset = 0;
    let text = '';
    try {
      for (const piece of body) {
        text += decoder.decode(piece, { stream: true });
        offset += piece.length;
      }
      if (ending === 'clean') text += decoder.decode();
    } catch {
      faults.push(`invalid bytes at or after byte ${offset}`);
    }
    if (text.includes('\uFFFD')) faults.push('U+FFFD: a character was broken before it was sent');
    return verdict(faults, `${offset} bytes in ${body.length} pieces`);
  },
};

export const idWithoutNul: Check = {
  name: 'id-without-nul',
  why: 'A browser ignores an id with NUL: the next resume starts from an older one.',
  async run(context) {
    const { parser, events } = await context.watched();
    const count = parser.idsWithNul;
    const ids = events.filter(({ ownId }) => ownId !== undefined).length;
    return verdict(count > 0 ? [`${count} ids with NUL`] : [], `${ids} events with an id`);
  },
};

export const byteOrderMark: Check = {
  name: 'byte-order-mark',
  why: 'Only the first of a stream is skipped: before a later line it makes the field unknown, and the event is lost.',
  async run(context) {
    const { bomsAtLineStart } = (await context.watched()).parser;
    return verdict(bomsAtLineStart > 0 ? [`${bomsAtLineStart} lines begin with one`] : [], 'none inside');
  },
};

export const knownFields: Check = {
  name: 'known-fields',
  why: 'Lines other than data, event, id, retry and comments are dropped in silence; a retry that is no number too.',
  async run(context) {
    const { unknownFields, badRetries } = (await context.watched()).parser;
    return verdict(
      [
        ...unknownFields.map((field) => `unknown field ${quoted(field)}`),
        ...badRetries.map((value) => `retry: ${quoted(value)}`),
      ],
      'all known',
    );
  },
};

export const secondEvent: Check = {
  name: 'second-event',
  why: 'Some antivirus filters hold the first event back until a second one comes: it should follow at once.',
  after: ['blank-lines'],
  async run(context) {
    const { promptMs, heartbeatMs } = context.limits;
    const stream = await context.sample();
    await stream.until(() => stream.events.length > 0, heartbeatMs);
    const [first] = stream.events;
    if (first === undefined) return verdict([`no event at all within ${heartbeatMs} ms`], '');
    await stream.until(() => stream.events.length > 1, promptMs);
    const second = stream.events[1];
    const gapMs = second === undefined ? Number.POSITIVE_INFINITY : second.atMs - first.atMs;
    if (gapMs <= promptMs) return passed(`${first.event}, then ${String(second?.event)} after ${Math.round(gapMs)} ms`);
    return verdict([`nothing within ${promptMs} ms after the first, ${quoted(first.event)}`], '');
  },
};
