import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import produce from 'kafkajs/src/protocol/requests/produce/index.js';
import { encodeProduce, PortMessage, type ProduceContent } from './kafkajs-publisher-encoding.ts';
import type { ProduceProtocol } from './kafkajs-publisher-mend.ts';

/** As kafkajs writes it by itself. */
const expected = async (content: ProduceContent): Promise<Buffer> => {
  const { protocol } = produce as { protocol: (asked: { version: number }) => (content: ProduceContent) => ProduceProtocol };
  return (await protocol({ version: 7 })({ ...content }).request.encode()).buffer;
};

const texts = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 300 }));
const messages = fc.record({
  key: texts,
  value: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 8_000, maxLength: 20_000 })).map((bytes) => Buffer.from(bytes)),
  headers: fc.dictionary(fc.string({ minLength: 1 }), texts, { maxKeys: 4, noNullPrototype: true }),
  topic: fc.constant(''),
  partition: fc.nat(),
}).map((record) => new PortMessage(record, false));
const partitions = fc.record({
  partition: fc.nat(),
  messages: fc.oneof(fc.array(messages, { minLength: 1, maxLength: 6 }), fc.array(messages, { minLength: 60, maxLength: 90 })),
});
const contents: fc.Arbitrary<ProduceContent> = fc.record({
  acks: fc.constantFrom(-1, 1),
  timeout: fc.nat(),
  topicData: fc.array(fc.record({ topic: fc.string({ maxLength: 100 }), partitions: fc.array(partitions, { maxLength: 4 }) }), { maxLength: 2 }),
});

test('a produce request has the bytes that kafkajs would write', async () => {
  jest.spyOn(Date, 'now').mockReturnValue(1_800_000_000_000);
  await fc.assert(
    fc.asyncProperty(contents, async (content) => {
      expect(encodeProduce(content).equals(await expected(content))).toBe(true);
    }),
    { numRuns: 60 },
  );
}, 60_000);
