/** docs/asyncapi.yaml: the topics, and every event on them. */
import { CLOUD_EVENT_CONTENT_TYPE, DEAD_LETTER_TYPE, DeadLetter, EVENT_SCHEMAS, Leg, topicOf, TOPICS } from '@osago/contracts';
import { EVENT_TYPES } from './event-schemas.ts';
import { type JsonObject, SchemaBook } from './plain-schema.ts';
import type { TopicManifest } from './topic-manifests.ts';
import { renderYaml } from './yaml-page.ts';

type TopicKey = keyof typeof TOPICS;

const LEG_KEY = '`request_id:insurer_id`';

const CHANNELS: Readonly<Record<TopicKey, { title: string; key: string; description: string }>> = {
  requests: {
    title: 'What people ask for',
    key: '`request_id`',
    description: 'Written by core-app, through its outbox. Read by osago-aggregator and by core-app itself.',
  },
  quotes: {
    title: 'How far each insurer is, and its quotes',
    key: LEG_KEY,
    description: 'Written by osago-aggregator. Read by every pod of core-app and by its archive.',
  },
  errors: {
    title: 'Legs that ended without an answer',
    key: LEG_KEY,
    description: 'Written by osago-aggregator. Read by every pod of core-app and by its archive.',
  },
  deadLetters: {
    title: 'What could not be decoded or applied',
    key: 'that of the source',
    description: 'A record as it was found, with topic, partition, offset and reason. Only for operators.',
  },
};

/** Those that the Kafka binding has a place for; the rest stands beside it. */
const BOUND_SETTINGS = new Set(['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.message.bytes']);

const setting = (name: string, value: string | number): string | number | string[] => {
  if (name === 'cleanup.policy') return String(value).split(',');
  return /^-?\d+$/.test(String(value)) ? Number(value) : value;
};

const channelBindings = ({ name, partitions, replicas, config }: TopicManifest): JsonObject => {
  const settings = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  const those = (isBound: boolean): JsonObject =>
    Object.fromEntries(
      settings
        .filter(([key]) => BOUND_SETTINGS.has(key) === isBound)
        .map(([key, value]) => [key, setting(key, value)]),
    );
  const others = those(false);
  return {
    bindings: {
      kafka: { topic: name, partitions, replicas, topicConfiguration: those(true), bindingVersion: '0.5.0' },
    },
    ...(Object.keys(others).length > 0 && { 'x-topic-settings': others }),
  };
};

const channel = (topicKey: TopicKey, manifest: TopicManifest | undefined): JsonObject => {
  const { title, key, description } = CHANNELS[topicKey];
  const types = topicKey === 'deadLetters' ? [DEAD_LETTER_TYPE] : EVENT_TYPES.filter((type) => topicOf(type) === TOPICS[topicKey]);
  return {
    address: TOPICS[topicKey],
    title,
    description: `${description} Record key: ${key}.`,
    messages: Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
    ...(manifest && channelBindings(manifest)),
  };
};

const headers: JsonObject = {
  type: 'object',
  required: ['content-type', 'traceparent'],
  properties: {
    'content-type': { type: 'string', const: CLOUD_EVENT_CONTENT_TYPE },
    traceparent: { type: 'string', description: 'W3C trace context of the POST that began it' },
  },
};

const keyed: JsonObject = {
  kafka: {
    key: { type: 'string', description: 'Equal to the subject of the event' },
    bindingVersion: '0.5.0',
  },
};

const DESCRIPTION = `Everything that happens on the platform, as CloudEvents 1.0 in structured JSON.

All records of one request have the same partition number in the first three topics, chosen at POST by murmur2 of the
\`request_id\`; so its events are in order within each topic. Delivery is at least once: a repeated record has the same
\`id\`. Of the events of one leg the effective one is the maximum of (\`attempt\`, class, \`fence\`, \`step\`, \`id\`), with
class quoted = declined = needs_data > error = skipped > timeout > estimated > submitted; it replaces the others.

Personal data is only inside \`application_sealed\`. An event is never changed in place: it gets an optional member, or
its type a new version. The schema of each type by itself: \`schemas/\`.`;

export const renderAsyncapi = (manifests: readonly TopicManifest[], version: string): string => {
  const schemas = new SchemaBook('#/components/schemas/', { Leg });
  const messages: JsonObject = {};
  const payloads = [
    ...EVENT_TYPES.map((type) => [type, EVENT_SCHEMAS[type]] as const),
    [DEAD_LETTER_TYPE, DeadLetter] as const,
  ];
  for (const [type, schema] of payloads) {
    messages[type] = {
      name: type,
      contentType: CLOUD_EVENT_CONTENT_TYPE,
      headers: { $ref: '#/components/schemas/Headers' },
      payload: schemas.add(type, schema),
      bindings: { $ref: '#/components/messageBindings/Keyed' },
    };
  }
  const topicKeys = Object.keys(TOPICS) as TopicKey[];
  const channels = topicKeys.map((key) => {
    const manifest = manifests.find(({ name }) => name === TOPICS[key]);
    return [key, channel(key, manifest)] as const;
  });
  return renderYaml('libs/contracts/src/events.ts and topics/', {
    asyncapi: '3.0.0',
    info: { title: 'OSAGO quote platform: events', version, description: DESCRIPTION },
    defaultContentType: CLOUD_EVENT_CONTENT_TYPE,
    channels: Object.fromEntries(channels),
    components: { messages, messageBindings: { Keyed: keyed }, schemas: { Headers: headers, ...schemas.all() } },
  });
};
