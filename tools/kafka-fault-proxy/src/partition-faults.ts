/** A request without the partitions that are refused, and its answer with them. */
import type { AnswerPartition, PartitionsAnswer, PartitionsRequest, TopicName } from './apis.ts';

export interface Refusal {
  readonly error: number;
  /** The broker is asked all the same. */
  readonly handled: boolean;
}

export type RefusalOf = (topic: TopicName, partition: number) => Refusal | undefined;

/** What goes to the broker; undefined if nothing is left for it. */
export const withoutRefused = (request: PartitionsRequest, refusalOf: RefusalOf): PartitionsRequest | undefined => {
  const goes = (topic: TopicName, { index }: { index: number }): boolean => refusalOf(topic, index)?.handled ?? true;
  const topics = request.topics
    .map((topic) => ({ ...topic, partitions: topic.partitions.filter((partition) => goes(topic, partition)) }))
    .filter(({ partitions }) => partitions.length > 0);
  // A request that names nothing is the broker's to answer.
  return topics.length === 0 && request.topics.length > 0 ? undefined : { ...request, topics };
};

const isSame = (one: TopicName, other: TopicName): boolean => one.name === other.name && one.topicId === other.topicId;

/** The answer of the broker, with the refused partitions of the request added or replaced. */
export const withRefused = (
  answer: PartitionsAnswer,
  request: PartitionsRequest,
  refusalOf: RefusalOf,
  refused: AnswerPartition,
): PartitionsAnswer => {
  const topics = answer.topics.map((topic) => ({ ...topic }));
  for (const asked of request.topics) {
    const added = asked.partitions.flatMap(({ index }) => {
      const error = refusalOf(asked, index)?.error;
      return error === undefined ? [] : [{ ...refused, index, error }];
    });
    if (added.length === 0) continue;
    const there = topics.find((topic) => isSame(topic, asked));
    if (!there) {
      topics.push({ name: asked.name, ...(asked.topicId && { topicId: asked.topicId }), partitions: added });
      continue;
    }
    const kept = there.partitions.filter(({ index }) => added.every((each) => each.index !== index));
    there.partitions = [...kept, ...added];
  }
  return { ...answer, topics };
};
