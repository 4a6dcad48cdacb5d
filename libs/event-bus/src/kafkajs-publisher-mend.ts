/**
 * Two faults of kafkajs 2.2.4 in its produce request that no option avoids, mended once per process and by name, for the
 * messages of the bus alone: whoever else sends with kafkajs in this process has it as it comes.
 *
 * For a reply in which one partition failed it throws, and what became of the others is gone; its own retry then writes
 * them again. Here the reply to what was sent for several partitions is handed out as it is, with the code of each; what
 * was sent for a single one throws as ever.
 *
 * Of each record and each header it makes a zeroed buffer of 512 bytes, copies it twice and leaves all to the garbage
 * collector, which is most of what a record costs. Here the same bytes are written once, into a buffer of their size.
 */
import produce from 'kafkajs/src/protocol/requests/produce/index.js';
import { encodeProduce, PortMessage, type ProduceContent } from './kafkajs-publisher-encoding.ts';

interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

export interface ProduceProtocol {
  readonly request: { readonly encode: () => Promise<Encoded> };
  readonly response: { readonly parse: (reply: unknown) => Promise<unknown> };
}

type Produce = (content: ProduceContent) => ProduceProtocol;

/** What every broker since Kafka 2.1 is spoken to in; to others kafkajs speaks as ever. */
const VERSION = 7;

let isMended = false;

export const mendProduce = (): void => {
  if (isMended) return;
  isMended = true;
  const module = produce as { protocol?: (asked: { version: number }) => Produce };
  const { protocol } = module;
  if (protocol === undefined) throw new Error('kafkajs has no protocol of produce any more: see kafkajs-publisher-mend.ts');
  module.protocol = ({ version }) => {
    const original = protocol({ version });
    return (content) => (version === VERSION && isOfTheBus(content) ? mended(original(content), content) : original(content));
  };
};

const isOfTheBus = ({ topicData }: ProduceContent): boolean =>
  topicData.every(({ partitions }) => partitions.every(({ messages }) => messages.every((message) => message instanceof PortMessage)));

const mended = ({ request, response }: ProduceProtocol, content: ProduceContent): ProduceProtocol => ({
  request: {
    ...request,
    encode: () => {
      const bytes = encodeProduce(content);
      return Promise.resolve({ buf: bytes, buffer: bytes });
    },
  },
  response: {
    ...response,
    parse: (reply) => (isShared(content) ? Promise.resolve(reply) : response.parse(reply)),
  },
});

const isShared = ({ topicData }: ProduceContent): boolean => topicData[0]?.partitions[0]?.messages[0]?.isShared === true;
