/** The suite against a real broker, and what only a real broker can show, on @platformatic/kafka. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from '@jest/globals';
import { createLog } from '@osago/service-kit';
import { describeOnBroker } from './broker-suite.ts';
import { createPlatformaticEventBus } from './platformatic-event-bus.ts';
import { brokersIn, SuiteBroker } from './suite-broker.ts';
import { messages } from './suite-readers.ts';
import { TEST_MS } from './suite-setting.ts';

const address = process.env['KAFKA_BROKERS'];

describeOnBroker('platformatic', address);

describe('platformatic publisher', () => {
  it('asks for all in-sync replicas: the library would ask for the leader alone', async () => {
    const broker = await SuiteBroker.connect(brokersIn(address));
    const bus = createPlatformaticEventBus(
      { log: createLog('event-bus-test', 'silent') },
      { brokers: broker.brokers, clientId: 'event-bus-test' },
    );
    const asked: unknown[] = [];
    const listen = (message: unknown): void => void asked.push((message as { options: { acks: number } }).options.acks);
    subscribe(SENDS, listen);
    const [answer] = await bus.publish(messages(await broker.createTopic(1), 0, ['a1']));
    unsubscribe(SENDS, listen);
    expect(answer?.ok).toBe(true);
    expect(asked).toEqual([-1]);
    await bus.close();
    await broker.close();
  }, TEST_MS);
});

/** Where the library tells what it sends. */
const SENDS = 'tracing:plt:kafka:producer:sends:start';
