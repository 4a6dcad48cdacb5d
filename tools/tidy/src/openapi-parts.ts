/** What the calls of docs/openapi.yaml have in common. */
import type { JsonObject } from './plain-schema.ts';

export const text = (description: string): JsonObject => ({ description, schema: { type: 'string' } });

export const header = (name: string, description: string, schema: JsonObject = { type: 'string' }): JsonObject => ({
  name,
  in: 'header',
  description,
  schema,
});

export const query = (name: string, description: string, schema: JsonObject = { type: 'string' }): JsonObject => ({
  name,
  in: 'query',
  description,
  schema,
});

const problem = (description: string, headers?: JsonObject): JsonObject => ({
  description,
  ...(headers && { headers }),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

export const response = (name: string): JsonObject => ({ $ref: `#/components/responses/${name}` });

export const RESPONSES: JsonObject = {
  Faults: problem('The body, the query or the Idempotency-Key has faults. All of them are listed.'),
  NoCredential: problem('No credential was given', { 'WWW-Authenticate': text('`Bearer`') }),
  NotFound: problem('There is no such request, or the credential does not open it'),
  MethodNotOffered: problem('The path does not offer this method'),
  TooLarge: problem('The body is over 64 KB'),
  Conflict: problem('The key or the `request_id` was used for something else, or the two disagree'),
  NotNow: problem('Not as things stand: the quote is still to come, or cannot be asked for again'),
  Broken: problem('Something broke on our side'),
  Away: problem('What is asked for cannot be read now: ask again', {
    'Retry-After': { description: 'Seconds', schema: { type: 'integer' } },
  }),
  Behind: problem('This pod is behind what was shown before: ask again', {
    'Retry-After': { description: 'Seconds', schema: { type: 'integer' } },
  }),
};

export const ACCESS: JsonObject[] = [{ bearer: [] }, { query: [] }, { cookie: [] }];
