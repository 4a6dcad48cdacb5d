/** What the suite has to know about {@link BrokenServer}: it offers every check. */
import type { Adapter, Target } from './adapter.ts';
import type { BrokenServer } from './broken-server.ts';

const topicOf = ({ url }: Target): string => new URL(url).pathname.split('/').at(-1) ?? '';

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const brokenServerAdapter = (server: BrokenServer): Adapter => {
  let topics = 0;
  return {
    open: () => ({ url: server.url(`t${(topics += 1)}`) }),
    read: ({ event, data }) => {
      if (event !== 'snapshot' && event !== 'change') return undefined;
      const { count } = JSON.parse(data) as { count: number };
      return { as: event, versions: { count } };
    },
    makeChange: (target) => {
      server.change(topicOf(target));
      return later();
    },
    truth: async (target) => {
      await later();
      return { count: server.topic(topicOf(target)).count };
    },
    sendsEveryVersion: true,
    replicas: (target) => [{ url: server.url(topicOf(target), 1) }],
    openStreams: async () => {
      await later();
      return server.openStreams;
    },
    finish: (target) => {
      server.finish(topicOf(target));
      return later();
    },
    isTerminal: ({ event }) => event === 'done',
    slowReader: {
      flood: async (target) => {
        await later();
        return server.flood(topicOf(target));
      },
      withinMs: 10,
    },
    shed: () => {
      server.isShedding = true;
      const undo = (): Promise<void> => {
        server.isShedding = false;
        return later();
      };
      return Promise.resolve({ target: { url: server.url('shed') }, undo });
    },
    drain: () => {
      server.drain();
      return later();
    },
  };
};
