/** Topics for tests and benches, ready when the call returns. */
import type { Admin, ITopicConfig } from 'kafkajs';

const WAIT_MS_MAX = 20_000;
const PAUSE_MS = 50;

/**
 * Those that are missing are made; resolves when each partition has a leader. kafkajs' own wait takes a broker that does
 * not know the new topic yet for an error.
 */
export const createTopics = async (admin: Admin, wanted: readonly ITopicConfig[]): Promise<void> => {
  const there = await admin.listTopics();
  const topics = wanted.filter(({ topic }) => !there.includes(topic));
  if (topics.length > 0) await admin.createTopics({ topics, waitForLeaders: false });
  const names = wanted.map(({ topic }) => topic);
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await admin.fetchTopicMetadata({ topics: names }).catch(() => undefined);
    if (found?.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
    if (performance.now() > endMs) throw new Error(`no leaders of ${names.join(', ')} in ${WAIT_MS_MAX} ms`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
};
