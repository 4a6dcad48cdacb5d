/**
 * Whether topics are still those that were read before: one that was deleted and made anew has another id, and may
 * already be longer than what was read of the old one, so that nothing else tells.
 */
import type { Questions } from './client-event-bus.ts';
import { EventBusError } from './event-bus.ts';

export class SameTopics {
  readonly #questions: Pick<Questions, 'topicIds'>;
  readonly #topics: readonly string[];
  readonly #ids = new Map<string, string>();

  constructor(questions: Pick<Questions, 'topicIds'>, topics: readonly string[]) {
    this.#questions = questions;
    this.#topics = topics;
  }

  /** Resolves with what to end with when a topic was made anew since an earlier call; rejects as the question does. */
  async failure(): Promise<EventBusError | undefined> {
    const found = await this.#questions.topicIds?.(this.#topics);
    for (const [topic, id] of found ?? []) {
      const former = this.#ids.get(topic);
      if (former !== undefined && former !== id) {
        return new EventBusError(`the topic ${topic} was made anew`, { retriable: false });
      }
      this.#ids.set(topic, id);
    }
    return undefined;
  }
}
