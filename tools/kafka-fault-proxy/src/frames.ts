/** Kafka on the wire: four bytes of length, a header, a body. */
import { Reader, type Format, ProtocolError } from './codec.ts';

/** What a broker takes at most (`socket.request.max.bytes`); answers are bounded by what was asked. */
const FRAME_BYTES_MAX = 104_857_600;

/** The frames of a stream, without their lengths. What is left of an unfinished one at the end is dropped. */
export async function* framesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let chunks: Buffer[] = [];
  let had = 0;
  let wanted = 4;
  for await (const chunk of source) {
    chunks.push(chunk);
    had += chunk.length;
    // Chunks are joined once per frame, not once per chunk.
    if (had < wanted) continue;
    let bytes = Buffer.concat(chunks);
    while (bytes.length >= (wanted = lengthOf(bytes))) {
      yield bytes.subarray(4, wanted);
      bytes = bytes.subarray(wanted);
    }
    chunks = [bytes];
    had = bytes.length;
  }
}

const lengthOf = (bytes: Buffer): number => {
  if (bytes.length < 4) return 4;
  const length = bytes.readInt32BE();
  if (length < 0 || length > FRAME_BYTES_MAX) throw new ProtocolError(`a frame of ${length} bytes`);
  return 4 + length;
};

export const framed = (...parts: Buffer[]): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([length, ...parts]);
};

export interface RequestHeader {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

export const readHeader = (frame: Buffer): RequestHeader => {
  if (frame.length < 8) throw new ProtocolError(`a request of ${frame.length} bytes`);
  const length = frame.length < 10 ? -1 : frame.readInt16BE(8);
  return {
    apiKey: frame.readInt16BE(0),
    version: frame.readInt16BE(2),
    correlationId: frame.readInt32BE(4),
    clientId: length < 0 ? null : frame.toString('utf8', 10, 10 + length),
  };
};

/** Header and body. The client's id is short-prefixed in every version; in flexible ones, tagged fields follow it. */
export const splitRequest = (frame: Buffer, format: Format): [header: Buffer, body: Buffer] => {
  const reader = new Reader(frame, format);
  reader.take(8);
  const length = reader.take(2).readInt16BE();
  reader.take(Math.max(0, length));
  if (format.flexible) reader.tags();
  const at = frame.length - reader.left;
  return [frame.subarray(0, at), frame.subarray(at)];
};

/** `tagged`: the answers of flexible versions, those to ApiVersions apart. */
export const splitAnswer = (frame: Buffer, tagged: boolean): [header: Buffer, body: Buffer] => {
  const reader = new Reader(frame, { version: 0, flexible: tagged });
  reader.take(4);
  if (tagged) reader.tags();
  const at = frame.length - reader.left;
  return [frame.subarray(0, at), frame.subarray(at)];
};

export const answerHeader = (correlationId: number, tagged: boolean): Buffer => {
  const header = Buffer.alloc(tagged ? 5 : 4);
  header.writeInt32BE(correlationId);
  return header;
};
