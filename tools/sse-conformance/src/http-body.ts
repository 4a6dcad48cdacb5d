/** The head and the body of an HTTP/1.1 answer, out of the bytes of the socket. */

export interface Head {
  version: string;
  status: number;
  /** By name in lower case; repeated ones are joined with a comma. */
  headers: ReadonlyMap<string, string>;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** Undefined while the head is not whole. Throws when it is no HTTP. */
export const splitHead = (bytes: Buffer): { head: Head; rest: Buffer } | undefined => {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const parsed = /^HTTP\/(\d\.\d) (\d{3})/.exec(first);
  if (parsed === null) throw new Error(`not an HTTP answer: ${first.slice(0, 60)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const head = { version: parsed[1] ?? '', status: Number(parsed[2]), headers };
  return { head, rest: bytes.subarray(end + HEAD_END.length) };
};

export interface BodyDecoder {
  /** What of these bytes is body. */
  feed(bytes: Buffer): Buffer;
  /** True when the answer says that nothing more comes. */
  readonly isComplete: boolean;
  /** True when only the end of the connection ends the body. */
  readonly endsWithConnection: boolean;
}

/** RFC 9112 §7.1. */
class Chunked implements BodyDecoder {
  readonly endsWithConnection = false;
  isComplete = false;
  #line = '';
  #left = 0;
  #state: 'size' | 'bytes' | 'after bytes' | 'trailer' = 'size';

  feed(bytes: Buffer): Buffer {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && !this.isComplete) {
      if (this.#state === 'bytes') {
        const part = bytes.subarray(at, at + this.#left);
        parts.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'after bytes';
        continue;
      }
      const end = bytes.indexOf(0x0a, at);
      this.#line += bytes.subarray(at, end < 0 ? bytes.length : end).toString('latin1');
      if (end < 0) break;
      at = end + 1;
      this.#endOfLine(this.#line.replace(/\r$/, ''));
      this.#line = '';
    }
    return Buffer.concat(parts);
  }

  #endOfLine(line: string): void {
    if (this.#state === 'after bytes') {
      if (line !== '') throw new Error('a chunk is longer than it says');
      this.#state = 'size';
    } else if (this.#state === 'trailer') {
      this.isComplete = line === '';
    } else {
      const size = /^[0-9a-f]+/i.exec(line)?.[0];
      if (size === undefined) throw new Error(`not the size of a chunk: ${line.slice(0, 40)}`);
      this.#left = parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'bytes';
    }
  }
}

class Counted implements BodyDecoder {
  readonly endsWithConnection = false;
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get isComplete(): boolean {
    return this.#left <= 0;
  }

  feed(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    return part;
  }
}

class UntilClose implements BodyDecoder {
  readonly endsWithConnection = true;
  readonly isComplete = false;

  feed(bytes: Buffer): Buffer {
    return bytes;
  }
}

export const bodyDecoder = (method: string, { status, headers }: Head): BodyDecoder => {
  if (method === 'HEAD' || status === 204 || status === 304) return new Counted(0);
  if (/\bchunked\b/i.test(headers.get('transfer-encoding') ?? '')) return new Chunked();
  const length = headers.get('content-length');
  return length === undefined ? new UntilClose() : new Counted(Number(length));
};
