/**
 * Of each record that kafkajs 2.2.4 reads it makes a dozen objects, some of them bigints for a single byte, and then goes
 * over all of them again and again; with our records that is half of what reading and parsing them costs. No option avoids
 * it. So the answers to fetches of the bus are read by kafkajs-session-decoding.ts, once per process and by name; whoever
 * else reads with kafkajs in this process has it as it comes.
 */
import fetch from 'kafkajs/src/protocol/requests/fetch/index.js';
import { EventBusError } from './event-bus.ts';
import { decodeFetch, type FetchAnswer } from './kafkajs-session-decoding.ts';

export interface FetchProtocol {
  readonly request: unknown;
  readonly response: { readonly decode: (bytes: Buffer) => Promise<FetchAnswer>; readonly parse: (answer: FetchAnswer) => Promise<unknown> };
}

type Fetch = (content: object) => FetchProtocol;

/** The highest that kafkajs speaks, and every broker since Kafka 2.3. */
const VERSION = 11;

/** `isOfTheBus` is asked as each fetch is made. */
export const mendFetch = (isOfTheBus: () => boolean): void => {
  const module = fetch as { protocol?: (asked: { version: number }) => Fetch };
  const { protocol } = module;
  if (protocol === undefined) throw new Error('kafkajs has no protocol of fetch any more: see kafkajs-session-mend.ts');
  module.protocol = ({ version }) => {
    const original = protocol({ version });
    return (content) => {
      if (!isOfTheBus()) return original(content);
      if (version !== VERSION) throw new EventBusError('the broker is older than Kafka 2.3', { retriable: false });
      const { response, ...rest } = original(content);
      return { ...rest, response: { ...response, decode: decodeFetch } };
    };
  };
};
