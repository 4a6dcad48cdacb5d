/** The bus on kafkajs 2.2.4. What that does wrong, and which file answers it, stands in this folder's README. */
import { type Clock, type Log, systemClock } from '@osago/service-kit';
import type {
  EventBus,
  LogRecord,
  OutgoingRecord,
  PublishAnswer,
  SubscribeOptions,
  Subscription,
  SubscriptionHandlers,
  Tail,
  TailOptions,
} from './event-bus.ts';
import {
  createClient,
  type Kafkajs,
  type KafkajsConnection,
  RETRY_BRIEFLY,
  RETRY_FOR_A_SESSION,
} from './kafkajs-client.ts';
import { KafkajsPublisher } from './kafkajs-publisher.ts';
import { KafkajsQuestions } from './kafkajs-questions.ts';
import { KafkajsSubscription } from './kafkajs-subscription.ts';
import { KafkajsTail } from './kafkajs-tail.ts';

export interface KafkajsEventBusOptions extends KafkajsConnection {
  /** New partitions are seen within this time. Default 30 s. */
  readonly metadataMaxAgeMs?: number;
}

const METADATA_MAX_AGE_MS = 30_000;

export const createKafkajsEventBus = (
  { log, clock = systemClock }: { log: Log; clock?: Clock },
  { metadataMaxAgeMs = METADATA_MAX_AGE_MS, ...connection }: KafkajsEventBusOptions,
): EventBus => {
  const client = createClient(connection, log, RETRY_BRIEFLY);
  const publisher = new KafkajsPublisher(client, metadataMaxAgeMs);
  const questions = new KafkajsQuestions(client);
  const parts = {
    createClient: (): Kafkajs => createClient(connection, log, RETRY_FOR_A_SESSION),
    ping: () => questions.ping(),
    clock,
    log,
    metadataMaxAgeMs,
  };
  return {
    publish: (records: readonly OutgoingRecord[]): Promise<PublishAnswer[]> => publisher.publish(records),
    subscribe: (options: SubscribeOptions, handlers: SubscriptionHandlers): Subscription =>
      new KafkajsSubscription(parts, options, handlers),
    tail: (options: TailOptions, onRecord: (record: LogRecord) => void): Tail =>
      new KafkajsTail(parts, questions, options, onRecord),
    partitions: (topic) => questions.partitions(topic),
    endOffsets: (topic) => questions.endOffsets(topic),
    startOffsets: (topic) => questions.startOffsets(topic),
    offsetsAt: (topic, ms) => questions.offsetsAt(topic, ms),
    ping: () => questions.ping(),
    close: async () => {
      await publisher.close();
      await questions.close();
    },
  };
};
