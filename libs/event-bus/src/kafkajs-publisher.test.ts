import { describe, expect, test } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import kafkajs from 'kafkajs';
import type { Kafkajs } from './kafkajs-client.ts';
import { KafkajsPublisher } from './kafkajs-publisher.ts';

const { KafkaJSConnectionError, KafkaJSNonRetriableError } = kafkajs;

const AT = { topic: 't', partition: 3 };
const RECORD = { ...AT, key: 'k', value: Buffer.from('v'), headers: {} };
const BATCH = { partition: 3, records: [RECORD] };

/** Each producer answers as its turn says; `log` tells which of them was used and which was let go. */
const setup = (replies: readonly unknown[][]) => {
  const log: string[] = [];
  const held: Promise<unknown>[] = [];
  let made = 0;
  const kafka = {
    producer: () => {
      const name = `producer ${(made += 1)}`;
      const reply = replies[made - 1] ?? [];
      return {
        connect: () => Promise.resolve(),
        send: () => {
          log.push(`${name} sends`);
          const later = held.shift();
          return later ?? Promise.resolve(reply);
        },
        disconnect: () => {
          log.push(`${name} is let go`);
          return Promise.resolve();
        },
      };
    },
  } as unknown as Kafkajs;
  const deps = { kafka, log: createLog('test', 'silent') };
  /** The next send gets its reply when the returned function is called with it. */
  const replyLater = (): ((later: unknown) => void) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    held.push(promise);
    return resolve;
  };
  return { log, replyLater, publisher: new KafkajsPublisher(deps, { metadataMaxAgeMs: 30_000 }) };
};

const NAMED = [{ topicName: 't', partition: 3, errorCode: 0, baseOffset: '7' }];

test('a producer that leaves the partition out of its reply is not used again', async () => {
  const { log, publisher } = setup([[], NAMED]);
  expect(await publisher.write('t', [BATCH])).toMatchObject([{ ok: false, error: { retriable: true } }]);
  expect(await publisher.write('t', [BATCH])).toEqual([{ ok: true, base: 7n }]);
  expect(await publisher.write('t', [BATCH])).toEqual([{ ok: true, base: 7n }]);
  expect(log).toEqual(['producer 1 sends', 'producer 1 is let go', 'producer 2 sends', 'producer 2 sends']);
});

test('a producer is dropped once, however many writes it has left out', async () => {
  const { log, publisher } = setup([[], NAMED]);
  await Promise.all([publisher.write('t', [BATCH]), publisher.write('t', [BATCH])]);
  await publisher.write('t', [BATCH]);
  expect(log.filter((line) => line.endsWith('is let go'))).toEqual(['producer 1 is let go']);
});

test('what others still send on a producer that is not used any more ends before it is let go', async () => {
  const { log, publisher, replyLater } = setup([[], NAMED]);
  const answer = replyLater();
  const other = publisher.write('t', [BATCH]);
  await publisher.write('t', [BATCH]);
  expect(log).not.toContain('producer 1 is let go');
  answer(NAMED);
  expect(await other).toEqual([{ ok: true, base: 7n }]);
  expect(log.at(-1)).toBe('producer 1 is let go');
});

describe('batches of several partitions', () => {
  const batchOf = (partition: number) => ({ partition, records: [{ ...RECORD, partition }] });
  const replyOf = (partition: number, errorCode = 0) => ({ topicName: 't', partition, errorCode, baseOffset: String(partition * 10) });

  /** Answers send after send as the script says, and tells which partitions each one was of. */
  const setupScript = (...script: (() => unknown)[]) => {
    const sends: number[][] = [];
    const producer = {
      connect: () => Promise.resolve(),
      send: ({ messages }: { messages: { partition: number }[] }) => {
        sends.push(messages.map(({ partition }) => partition));
        return Promise.resolve().then(script.shift());
      },
      disconnect: () => Promise.resolve(),
    };
    const kafka = { producer: () => producer } as unknown as Kafkajs;
    return { sends, publisher: new KafkajsPublisher({ kafka, log: createLog('test', 'silent') }, { metadataMaxAgeMs: 30_000 }) };
  };

  test('share a request, and each gets its own answer', async () => {
    const { publisher, sends } = setupScript(() => [replyOf(2), replyOf(1)]);
    expect(await publisher.write('t', [batchOf(1), batchOf(2)])).toEqual([{ ok: true, base: 10n }, { ok: true, base: 20n }]);
    expect(sends).toEqual([[1, 2]]);
  });

  test('of which one failed, or is not named, are not written again but for that one', async () => {
    const { publisher, sends } = setupScript(() => [replyOf(1), replyOf(2, 6)], () => [replyOf(2)], () => [replyOf(3)]);
    expect(await publisher.write('t', [batchOf(1), batchOf(2), batchOf(3)])).toEqual([
      { ok: true, base: 10n },
      { ok: true, base: 20n },
      { ok: true, base: 30n },
    ]);
    expect(sends).toEqual([[1, 2, 3], [2], [3]]);
  });

  test('of which one is refused for good are not written again, nor is that one', async () => {
    const { publisher, sends } = setupScript(() => [replyOf(1), replyOf(2, 10)]);
    const written = await publisher.write('t', [batchOf(1), batchOf(2)]);
    expect(written).toMatchObject([{ ok: true, base: 10n }, { ok: false, error: { retriable: false, message: expect.stringContaining('t/2') } }]);
    expect(sends).toEqual([[1, 2]]);
  });

  test('are not tried one by one when the broker is away', async () => {
    const { publisher, sends } = setupScript(() => {
      throw new KafkaJSConnectionError('away');
    });
    const written = await publisher.write('t', [batchOf(1), batchOf(2)]);
    expect(written).toMatchObject([{ ok: false, error: { retriable: true } }, { ok: false, error: { retriable: true } }]);
    expect(sends).toEqual([[1, 2]]);
  });

  test('are tried one by one when they are refused together: one may be at fault for all', async () => {
    const refuse = () => {
      throw new KafkaJSNonRetriableError('too large');
    };
    const { publisher, sends } = setupScript(refuse, () => [replyOf(1)], refuse);
    const written = await publisher.write('t', [batchOf(1), batchOf(2)]);
    expect(written).toMatchObject([{ ok: true, base: 10n }, { ok: false, error: { retriable: false } }]);
    expect(sends).toEqual([[1, 2], [1], [2]]);
  });
});
