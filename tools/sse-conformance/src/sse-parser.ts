/**
 * The parser of the HTML standard (§9.2.6) over bytes as they come. It also keeps what a browser throws away and a
 * check asks for: line ends, unknown fields, ids with NUL, byte-order marks at the start of a later line.
 */

export interface SseEvent {
  /** `message` where the server named none. */
  event: string;
  data: string;
  /** What a browser would send as Last-Event-ID from now on. */
  lastEventId: string;
  /** The id that this event itself carried. */
  ownId: string | undefined;
  /** On the clock of `performance.now()`. */
  atMs: number;
}

export interface Retry {
  ms: number;
  /** How many events came before it. */
  afterEvents: number;
}

const NUL = '\0';
const BYTE_ORDER_MARK = '\uFEFF';
/** For the report only. */
const ODD_LINES_MAX = 20;

export class SseParser {
  readonly events: SseEvent[] = [];
  readonly retries: Retry[] = [];
  readonly badRetries: string[] = [];
  readonly lineEnds = { lf: 0, crlf: 0, cr: 0 };
  readonly unknownFields: string[] = [];
  idsWithNul = 0;
  bomsAtLineStart = 0;
  comments = 0;
  lastEventId = '';
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #isStart = true;
  #endedWithCr = false;
  #rest: string[] = [];
  #data: string[] = [];
  #event = '';
  #id: string | undefined;
  #linesOfBlock = 0;

  /** Lines that no blank line has closed yet: a browser never shows them. */
  get undispatchedLines(): number {
    return this.#linesOfBlock + (this.#rest.some((part) => part !== '') ? 1 : 0);
  }

  feed(bytes: Uint8Array, atMs = performance.now()): void {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;
    if (this.#isStart) {
      this.#isStart = false;
      if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    }
    let at = 0;
    if (this.#endedWithCr && text !== '') {
      this.#endedWithCr = false;
      if (text.startsWith('\n')) {
        this.lineEnds.crlf += 1;
        at = 1;
      } else this.lineEnds.cr += 1;
    }
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = at;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#countEnd(end[0], ends.lastIndex === text.length);
      const line = text.slice(at, end.index);
      at = ends.lastIndex;
      this.#line(this.#rest.length === 0 ? line : [...this.#rest, line].join(''), atMs);
      this.#rest = [];
    }
    if (at < text.length) this.#rest.push(text.slice(at));
  }

  /** Whether a CR at the end of a piece is one end of line or half of one, the next piece tells. */
  #countEnd(end: string, isLast: boolean): void {
    if (end === '\n') this.lineEnds.lf += 1;
    else if (end === '\r\n') this.lineEnds.crlf += 1;
    else if (isLast) this.#endedWithCr = true;
    else this.lineEnds.cr += 1;
  }

  #line(line: string, atMs: number): void {
    if (line === '') {
      this.#dispatch(atMs);
      return;
    }
    this.#linesOfBlock += 1;
    if (line.startsWith(BYTE_ORDER_MARK)) this.bomsAtLineStart += 1;
    if (line.startsWith(':')) {
      this.comments += 1;
      return;
    }
    const at = line.indexOf(':');
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id') this.#takeId(value);
    else if (field === 'retry') this.#takeRetry(value);
    else if (!line.startsWith(BYTE_ORDER_MARK) && this.unknownFields.length < ODD_LINES_MAX)
      this.unknownFields.push(field.slice(0, 40));
  }

  #takeId(value: string): void {
    if (value.includes(NUL)) this.idsWithNul += 1;
    else this.#id = value;
  }

  #takeRetry(value: string): void {
    if (/^\d+$/.test(value)) this.retries.push({ ms: Number(value), afterEvents: this.events.length });
    else if (this.badRetries.length < ODD_LINES_MAX) this.badRetries.push(value.slice(0, 40));
  }

  #dispatch(atMs: number): void {
    this.lastEventId = this.#id ?? this.lastEventId;
    if (this.#data.length > 0) {
      this.events.push({
        event: this.#event === '' ? 'message' : this.#event,
        data: this.#data.join('\n'),
        lastEventId: this.lastEventId,
        ownId: this.#id,
        atMs,
      });
    }
    this.#data = [];
    this.#event = '';
    this.#id = undefined;
    this.#linesOfBlock = 0;
  }
}
