import { expect, test } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import type { Kafkajs } from './kafkajs-client.ts';
import { KafkajsPublisher } from './kafkajs-publisher.ts';

const AT = { topic: 't', partition: 3 };
const RECORD = { ...AT, key: 'k', value: Buffer.from('v'), headers: {} };

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
  expect(await publisher.write(AT, [RECORD])).toMatchObject({ ok: false, error: { retriable: true } });
  expect(await publisher.write(AT, [RECORD])).toEqual({ ok: true, base: 7n });
  expect(await publisher.write(AT, [RECORD])).toEqual({ ok: true, base: 7n });
  expect(log).toEqual(['producer 1 sends', 'producer 1 is let go', 'producer 2 sends', 'producer 2 sends']);
});

test('a producer is dropped once, however many writes it has left out', async () => {
  const { log, publisher } = setup([[], NAMED]);
  await Promise.all([publisher.write(AT, [RECORD]), publisher.write(AT, [RECORD])]);
  await publisher.write(AT, [RECORD]);
  expect(log.filter((line) => line.endsWith('is let go'))).toEqual(['producer 1 is let go']);
});

test('what others still send on a producer that is not used any more ends before it is let go', async () => {
  const { log, publisher, replyLater } = setup([[], NAMED]);
  const answer = replyLater();
  const other = publisher.write(AT, [RECORD]);
  await publisher.write(AT, [RECORD]);
  expect(log).not.toContain('producer 1 is let go');
  answer(NAMED);
  expect(await other).toEqual({ ok: true, base: 7n });
  expect(log.at(-1)).toBe('producer 1 is let go');
});
