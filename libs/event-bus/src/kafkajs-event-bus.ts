/** The bus on kafkajs 2.2.4. What that does wrong, and which file answers it, stands in this folder's README. */
import { type Clock, type Log, systemClock } from '@osago/service-kit';
import { busOf } from './client-event-bus.ts';
import type { ConsumerSession, SessionHandlers, SessionOptions } from './consumer-session.ts';
import type { EventBus } from './event-bus.ts';
import {
  createClient,
  type KafkajsConnection,
  RETRY_BRIEFLY,
  RETRY_FOR_A_SESSION,
} from './kafkajs-client.ts';
import { KafkajsPublisher } from './kafkajs-publisher.ts';
import { KafkajsQuestions } from './kafkajs-questions.ts';
import { KafkajsSession } from './kafkajs-session.ts';

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
  const publisher = new KafkajsPublisher({ kafka: client, log }, { metadataMaxAgeMs });
  const questions = new KafkajsQuestions(client);
  const open = (options: SessionOptions, handlers: SessionHandlers): ConsumerSession =>
    new KafkajsSession(createClient(connection, log, RETRY_FOR_A_SESSION), { ...options, metadataMaxAgeMs }, handlers);
  return busOf(
    {
      write: (topic, batches) => publisher.write(topic, batches),
      questions,
      openGroup: open,
      // kafkajs reads in groups only: a tail is the one member of a group that never commits.
      openTail: open,
      deleteEmptyGroups: (prefix) => questions.deleteEmptyGroups(prefix),
      close: async () => {
        await publisher.close();
        await questions.close();
      },
    },
    { log, clock },
  );
};
