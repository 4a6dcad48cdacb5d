/**
 * Kafka's messages as data. A message is a {@link struct} of fields, each with the versions that it is in; reading and
 * writing follow the version, and whether it is a flexible one: compact lengths, tagged fields. Tagged fields are kept as
 * they came, so what is read and written again is the same to the byte.
 */

/** Bytes that are not what their version says. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export interface Format {
  readonly version: number;
  readonly flexible: boolean;
}

export class Reader {
  readonly format: Format;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer, format: Format) {
    this.#bytes = bytes;
    this.format = format;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length < 0 || length > this.left) throw new ProtocolError(`${length} bytes are wanted, ${this.left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  varint(): number {
    let value = 0;
    // Five groups of seven bits hold 32.
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.take(1).readUInt8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtocolError('a varint is longer than 32 bits');
  }

  /** The tagged fields of a struct, raw. */
  tags(): Buffer {
    const from = this.#at;
    for (let fields = this.varint(); fields > 0; fields -= 1) {
      this.varint();
      this.take(this.varint());
    }
    return this.#bytes.subarray(from, this.#at);
  }
}

export class Writer {
  readonly format: Format;
  readonly #parts: Buffer[] = [];

  constructor(format: Format) {
    this.format = format;
  }

  put(part: Buffer): void {
    this.#parts.push(part);
  }

  varint(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
    this.put(Buffer.from([...bytes, rest]));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface Codec<T> {
  /** What stands for a field in versions without it, and in answers that the proxy makes itself. */
  readonly none: T;
  read(from: Reader): T;
  write(to: Writer, value: T): void;
}

export const decode = <T>(codec: Codec<T>, bytes: Buffer, format: Format): T => {
  const reader = new Reader(bytes, format);
  const value = codec.read(reader);
  if (reader.left > 0) throw new ProtocolError(`${reader.left} bytes follow the message`);
  return value;
};

export const encode = <T>(codec: Codec<T>, value: T, format: Format): Buffer => {
  const writer = new Writer(format);
  codec.write(writer, value);
  return writer.bytes();
};

const fixed = <T>(size: number, none: T, get: (bytes: Buffer) => T, set: (bytes: Buffer, value: T) => void): Codec<T> => ({
  none,
  read: (from) => get(from.take(size)),
  write: (to, value) => {
    const bytes = Buffer.alloc(size);
    set(bytes, value);
    to.put(bytes);
  },
});

export const int8 = fixed(1, 0, (bytes) => bytes.readInt8(), (bytes, value) => bytes.writeInt8(value));
export const int16 = fixed(2, 0, (bytes) => bytes.readInt16BE(), (bytes, value) => bytes.writeInt16BE(value));
export const int32 = fixed(4, 0, (bytes) => bytes.readInt32BE(), (bytes, value) => bytes.writeInt32BE(value));
/** Offsets and times: -1 where there is none. */
export const int64 = fixed(8, -1n, (bytes) => bytes.readBigInt64BE(), (bytes, value) => bytes.writeBigInt64BE(value));
export const boolean = fixed(1, false, (bytes) => bytes[0] !== 0, (bytes, value) => bytes.writeInt8(value ? 1 : 0));
/** As Kafka prints it. */
export const uuid = fixed(
  16,
  Buffer.alloc(16).toString('base64url'),
  (bytes) => bytes.toString('base64url'),
  (bytes, value) => bytes.write(value, 'base64url'),
);

/** A length, or undefined for null. Compact: one more than it is, and 0 for null. */
const readLength = (from: Reader, plain: Codec<number>): number | undefined => {
  const length = from.format.flexible ? from.varint() - 1 : plain.read(from);
  return length < 0 ? undefined : length;
};

const writeLength = (to: Writer, plain: Codec<number>, length: number | undefined): void => {
  if (to.format.flexible) to.varint((length ?? -1) + 1);
  else plain.write(to, length ?? -1);
};

const lengthPrefixed = (plain: Codec<number>): Codec<Buffer | null> => ({
  none: null,
  read: (from) => {
    const length = readLength(from, plain);
    return length === undefined ? null : from.take(length);
  },
  write: (to, value) => {
    writeLength(to, plain, value?.length);
    if (value) to.put(value);
  },
});

const shortBytes = lengthPrefixed(int16);
export const bytes = lengthPrefixed(int32);

export const nullableString: Codec<string | null> = {
  none: null,
  read: (from) => shortBytes.read(from)?.toString() ?? null,
  write: (to, value) => shortBytes.write(to, value === null ? null : Buffer.from(value)),
};

export const string: Codec<string> = {
  none: '',
  read: (from) => nullableString.read(from) ?? '',
  write: (to, value) => nullableString.write(to, value),
};

export const nullableArray = <T>(item: Codec<T>): Codec<T[] | null> => ({
  none: null,
  read: (from) => {
    const length = readLength(from, int32);
    if (length === undefined) return null;
    // An item takes a byte at least: a false length must not become a huge array.
    if (length > from.left) throw new ProtocolError(`an array of ${length} items in ${from.left} bytes`);
    return Array.from({ length }, () => item.read(from));
  },
  write: (to, value) => {
    writeLength(to, int32, value?.length);
    for (const each of value ?? []) item.write(to, each);
  },
});

export const array = <T>(item: Codec<T>): Codec<T[]> => {
  const nullable = nullableArray(item);
  return { none: [], read: (from) => nullable.read(from) ?? [], write: (to, value) => nullable.write(to, value) };
};

/** A field that is only in these versions. */
export const between = <T>(first: number, last: number, codec: Codec<T>): Codec<T> => {
  const isIn = ({ version }: Format): boolean => version >= first && version <= last;
  return {
    none: codec.none,
    read: (from) => (isIn(from.format) ? codec.read(from) : codec.none),
    write: (to, value) => (isIn(to.format) ? codec.write(to, value) : undefined),
  };
};

export const since = <T>(first: number, codec: Codec<T>): Codec<T> => between(first, Infinity, codec);
export const until = <T>(last: number, codec: Codec<T>): Codec<T> => between(0, last, codec);
export const withNone = <T>(none: T, codec: Codec<T>): Codec<T> => ({ ...codec, none });

export interface Tagged {
  tags?: Buffer;
}

const NO_TAGS = Buffer.of(0);

/** Fields in their order, and the tagged fields of a flexible version. */
export const struct = <T extends object>(fields: { [K in keyof T]: Codec<T[K]> }): Codec<T & Tagged> => {
  const names = Object.keys(fields) as (keyof T)[];
  const from = (valueOf: (name: keyof T) => T[keyof T]): T & Tagged =>
    Object.fromEntries(names.map((name) => [name, valueOf(name)])) as T & Tagged;
  return {
    none: from((name) => fields[name].none),
    read: (reader) => {
      const value = from((name) => fields[name].read(reader));
      return reader.format.flexible ? { ...value, tags: reader.tags() } : value;
    },
    write: (writer, value) => {
      for (const name of names) fields[name].write(writer, value[name]);
      if (writer.format.flexible) writer.put(value.tags ?? NO_TAGS);
    },
  };
};
