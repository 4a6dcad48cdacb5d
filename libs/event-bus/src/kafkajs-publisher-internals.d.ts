/** Files of kafkajs that have no types and are not part of its door: kafkajs-publisher-mend.ts says why they are opened. */
declare module 'kafkajs/src/protocol/requests/produce/index.js' {
  const produce: unknown;
  export default produce;
}
declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  /** Unsigned. */
  const crc32C: (bytes: Buffer) => number;
  export default crc32C;
}
declare module 'kafkajs/src/protocol/error.js' {
  const errors: { createErrorFromCode: (code: number) => Error };
  export default errors;
}
