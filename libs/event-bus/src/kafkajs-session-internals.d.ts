/** Files of kafkajs that have no types and are not part of its door: kafkajs-session-mend.ts says why they are opened. */
declare module 'kafkajs/src/protocol/requests/fetch/index.js' {
  const fetch: unknown;
  export default fetch;
}
declare module 'kafkajs/src/protocol/message/compression/index.js' {
  const compression: {
    lookupCodecByAttributes: (attributes: number) => { decompress: (bytes: Buffer) => Promise<Buffer> };
  };
  export default compression;
}

// What the test of the decoding compares with.
declare module 'kafkajs/src/consumer/batch.js' {
  class Batch<M> {
    constructor(topic: string, fetchedOffset: string, fetched: { partition: number; messages: readonly M[] });
    readonly topic: string;
    readonly partition: number;
    readonly fetchedOffset: string;
    readonly messages: readonly M[];
    lastOffset(): string;
    isEmptyDueToFiltering(): boolean;
  }
  export default Batch;
}
declare module 'kafkajs/src/protocol/encoder.js' {
  class Encoder {
    readonly buffer: Buffer;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeInt64(value: number): this;
    writeString(text: string): this;
    writeBytes(bytes: Buffer): this;
  }
  export default Encoder;
}
declare module 'kafkajs/src/protocol/requests/fetch/v11/response.js' {
  interface Message {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: object;
  }
  const response: {
    decode: (bytes: Buffer) => Promise<{ responses: { partitions: { partition: number; messages: Message[] }[] }[] }>;
  };
  export default response;
}
declare module 'kafkajs/src/protocol/recordBatch/v0/index.js' {
  const recordBatch: { RecordBatch: (content: object) => Promise<{ buffer: Buffer }> };
  export default recordBatch;
}
declare module 'kafkajs/src/protocol/recordBatch/record/v0/index.js' {
  const recordOf: (content: object) => object;
  export default recordOf;
}
