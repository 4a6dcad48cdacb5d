/**
 * Which partition a key lives on, as Kafka's own default partitioner says: murmur2 of the UTF-8 bytes, made positive,
 * modulo. Any client in any language that partitions by key agrees.
 */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** The hash of org.apache.kafka.common.utils.Utils, as a signed 32-bit number. */
export const murmur2 = (bytes: Uint8Array): number => {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const tailAt = length & ~3;
  let h = SEED ^ length;
  for (let at = 0; at < tailAt; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  if (tailAt < length) {
    for (let at = length - 1; at >= tailAt; at -= 1) h ^= view.getUint8(at) << (8 * (at - tailAt));
    h = Math.imul(h, M);
  }
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
};

export const partitionFor = (requestId: string, partitions: number): number =>
  (murmur2(Buffer.from(requestId, 'utf8')) & 0x7fffffff) % partitions;
