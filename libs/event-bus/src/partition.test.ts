import { describe, expect, it } from '@jest/globals';
import { compatibilityPartitioner } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { murmur2, partitionFor } from './partition.ts';

/** Printed by Kafka 4.3.1 itself: its `Utils.murmur2` of the bytes, and `toPositive(hash) % 12`. */
const FROM_KAFKA: readonly (readonly [key: string, hash: number, of12: number])[] = [
  ['', 275646681, 9],
  ['a', -1563381124, 4],
  ['ab', 316155434, 2],
  ['abc', 479470107, 3],
  ['abcd', -1323649548, 8],
  ['21', -973932308, 0],
  ['foobar', -790332482, 6],
  ['a-little-bit-long-string', -985981536, 8],
  ['a-little-bit-longer-string', -1486304829, 11],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971, 5],
  ['00000000-0000-0000-0000-000000000000', 713427837, 9],
  ['f47ac10b-58cc-4372-a567-0e02b2c3d479', 1964707646, 2],
  ['9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d', -616940183, 9],
  ['6ba7b810-9dad-11d1-80b4-00c04fd430c8', -610484791, 1],
  ['1b4e28ba-2fa1-11d2-883f-0016d3cca427', 1108734938, 2],
  ['полис-ОСАГО', -1955405293, 7],
];

describe('partitionFor', () => {
  it.each(FROM_KAFKA)('puts %j where Kafka puts it', (key, hash, of12) => {
    expect(murmur2(Buffer.from(key, 'utf8'))).toBe(hash);
    expect(partitionFor(key, 12)).toBe(of12);
  });

  it.each(FROM_KAFKA)('puts %j where the partitioners of both clients put it', (key, _hash, of12) => {
    const bytes = Buffer.from(key, 'utf8');
    const topics = new Array(12).fill(0).map((_, partitionId) => ({ partitionId, leader: 1 }));
    const partitionMetadata = topics.map((at) => ({ ...at, partitionErrorCode: 0, replicas: [1], isr: [1] }));
    const kafkajsPartition = kafkajs.Partitioners.DefaultPartitioner()({
      topic: 'log',
      partitionMetadata,
      message: { key: bytes, value: null },
    });
    expect(kafkajsPartition).toBe(of12);
    expect(compatibilityPartitioner({ topic: 'log' }, bytes) % 12).toBe(of12);
  });

  it('spreads request ids evenly', () => {
    const counts = new Array<number>(12).fill(0);
    for (let at = 0; at < 12_000; at += 1) {
      const partition = partitionFor(`00000000-0000-4000-8000-${String(at).padStart(12, '0')}`, 12);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });
});
