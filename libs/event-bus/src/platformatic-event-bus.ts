/** The bus on @platformatic/kafka 2.12.1. What that does wrong, and which file answers it, stands in the README. */
import { type Clock, type Log, systemClock } from '@osago/service-kit';
import { busOf } from './client-event-bus.ts';
import type { EventBus } from './event-bus.ts';
import type { PlatformaticConnection } from './platformatic-client.ts';
import { PlatformaticPublisher } from './platformatic-publisher.ts';
import { PlatformaticQuestions } from './platformatic-questions.ts';
import { PlatformaticGroupSession, PlatformaticTailSession } from './platformatic-sessions.ts';

export interface PlatformaticEventBusOptions extends PlatformaticConnection {
  /** New partitions are seen within this time. Default 20 s. */
  readonly metadataMaxAgeMs?: number;
}

/** With the next look, which may be a second later, and the join, well below the 30 s that the port promises. */
const METADATA_MAX_AGE_MS = 20_000;

export const createPlatformaticEventBus = (
  { log, clock = systemClock }: { log: Log; clock?: Clock },
  { metadataMaxAgeMs = METADATA_MAX_AGE_MS, ...connection }: PlatformaticEventBusOptions,
): EventBus => {
  const publisher = new PlatformaticPublisher(connection, metadataMaxAgeMs);
  const questions = new PlatformaticQuestions(connection);
  const parts = { connection, metadataMaxAgeMs, log };
  return busOf(
    {
      write: (topic, batches) => publisher.write(topic, batches),
      questions,
      openGroup: (options, handlers) => new PlatformaticGroupSession(parts, options, handlers),
      openTail: (options, handlers) => new PlatformaticTailSession(parts, options, handlers),
      close: async () => {
        await publisher.close();
        await questions.close();
      },
    },
    { log, clock },
  );
};
