/** The bare client of bench:outbox, a process of its own: kafkajs as it comes, 500 records a send, one send in flight. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { BACKLOG_BATCH, BACKLOG_HEADERS, BACKLOG_VALUE, PARTITIONS } from './outbox-variants.ts';

const [, , broker = '', topic = '', rows = '0'] = process.argv;
const kafka = new Kafka({ brokers: [broker], clientId: 'bench-bare', logLevel: logLevel.NOTHING });
const producer = kafka.producer({ createPartitioner: () => ({ message }) => message.partition ?? 0 });
await producer.connect();

const produce = async (count: number): Promise<void> => {
  const key = randomUUID();
  for (let sent = 0; sent < count; sent += BACKLOG_BATCH) {
    const messages = Array.from({ length: BACKLOG_BATCH }, (_, at) => ({ key, value: BACKLOG_VALUE, headers: { ...BACKLOG_HEADERS }, partition: at % PARTITIONS }));
    await producer.send({ topic, acks: -1, messages });
  }
};

// Compiled before it is measured, as the relay is.
await produce(Number(rows) / 10);
const startedMs = performance.now();
await produce(Number(rows));
process.send?.((Number(rows) / (performance.now() - startedMs)) * 1_000);
await producer.disconnect();
