/** docs/openapi.yaml: the calls that core-app answers. */
import {
  API_PREFIX,
  EndFrame,
  HeartbeatFrame,
  PostRequestBody,
  PostRequestReply,
  Problem,
  QuoteFrame,
  QuotesBody,
  RepeatRequestBody,
  RequestHistory,
} from '@osago/contracts';
import { cancelRequest, getInsurers, getRequest, getTariffs, retryQuote } from './openapi-commands.ts';
import { ACCESS, header, query, response, RESPONSES, text } from './openapi-parts.ts';
import { type JsonObject, SchemaBook } from './plain-schema.ts';
import { renderYaml } from './yaml-page.ts';

const DESCRIPTION = `One application for OSAGO goes to about ten insurers at once; each quote is shown the moment it arrives.

Errors are problem+json (RFC 9457). A 400 lists every fault as \`errors\`, each with a JSON Pointer. A method that a path
does not offer is a 405. Clients ignore members that they do not know. Money is an integer of kopecks.

**Access.** POST gives a token that opens this one request: as \`Authorization: Bearer\`, as \`?access_token=\`, or as
the cookie that POST sets. Without a credential a call is a 401; a wrong one and an unknown id are the same 404.

**Cursors** say how far a reader has seen. They are opaque, and any pod can read them.`;

const STREAM_DESCRIPTION = `Server-sent events in UTF-8: \`retry\`, one \`snapshot\`, then a \`quote\` for each change, and
\`done\` or \`timeout\` at the end, after which the server closes. \`timeout\` if and only if an insurer did not answer in
time. \`heartbeat\` follows the first events and comes every 15 s. \`bye\` says that this pod is going away: come back
after \`retry\`. When several quotes change at once, only the last carries the \`id\`.

Overload and drain are no error status here, because \`EventSource\` would give up: they are a 200 with a longer
\`retry\`, and the end. Only 204, 401 and 404 are final.`;

const postRequest = (schemas: SchemaBook): JsonObject => ({
  operationId: 'postRequest',
  summary: 'Ask the insurers',
  description:
    'Stored before it is answered. With an `Idempotency-Key`, or a `request_id` made by the caller, a repeat within ' +
    '24 h answers as the first call did. `based_on` repeats a past request, with changes: its owner may, and who has its ' +
    'token as `Authorization: Bearer`. Faults are told in the language of `Accept-Language`: ru or en.',
  security: [],
  parameters: [
    header('Idempotency-Key', 'A UUID', { type: 'string', format: 'uuid' }),
    header('traceparent', 'W3C trace context; it goes with the events'),
  ],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: {
          oneOf: [schemas.add('PostRequestBody', PostRequestBody), schemas.add('RepeatRequestBody', RepeatRequestBody)],
        },
        examples: {
          application: { externalValue: 'examples/application.json' },
          repeat: { value: { based_on: '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11', changes: { '/vehicle/power_hp': 110 } } },
        },
      },
    },
  },
  responses: {
    '200': {
      description: 'The same browser sent the same a moment ago and it is in progress: its answer, with `duplicate: true`',
      content: { 'application/json': { schema: schemas.add('PostRequestReply', PostRequestReply) } },
    },
    '201': {
      description: 'Accepted: the insurers are being asked',
      headers: {
        Location: text('Path of the request'),
        'Set-Cookie': text('`osago_access` for the path of this request; `osago_owner` where the browser has none'),
      },
      content: { 'application/json': { schema: schemas.add('PostRequestReply', PostRequestReply) } },
    },
    '400': response('Faults'),
    '404': response('NotFound'),
    '405': response('MethodNotOffered'),
    '413': response('TooLarge'),
    '422': response('Conflict'),
    '500': response('Broken'),
  },
});

const frames = (schemas: SchemaBook): JsonObject[] => [
  { event: 'snapshot', id: 'cursor', data: schemas.add('QuotesBody', QuotesBody) },
  { event: 'heartbeat', data: schemas.add('HeartbeatFrame', HeartbeatFrame) },
  { event: 'quote', id: 'cursor, on the last of several', data: schemas.add('QuoteFrame', QuoteFrame) },
  { event: 'done', id: 'cursor with end mark', data: schemas.add('EndFrame', EndFrame) },
  { event: 'timeout', id: 'cursor with end mark', data: schemas.add('EndFrame', EndFrame) },
  { event: 'bye', data: { type: 'object' } },
];

const getStream = (schemas: SchemaBook): JsonObject => ({
  operationId: 'getStream',
  summary: 'Each quote the moment it arrives',
  description: STREAM_DESCRIPTION,
  security: ACCESS,
  parameters: [
    header('Last-Event-ID', 'The last `id` that was seen; sent by `EventSource` itself. Wins over the query'),
    query('last_event_id', 'The same, for clients that cannot set headers'),
  ],
  responses: {
    '200': {
      description: 'The stream; always with `Connection: close`',
      content: { 'text/event-stream': { schema: { type: 'string' }, 'x-frames': frames(schemas) } },
    },
    '204': { description: 'All has been seen, nothing more will come: do not connect again' },
    '401': response('NoCredential'),
    '404': response('NotFound'),
    '405': response('MethodNotOffered'),
  },
});

const getQuotes = (schemas: SchemaBook): JsonObject => ({
  operationId: 'getQuotes',
  summary: 'All quotes at this moment',
  description:
    'For a refresh, and for networks that break the stream: `Prefer: wait=30` with `If-None-Match` holds the answer ' +
    'until there is something newer.',
  security: ACCESS,
  parameters: [
    header('If-None-Match', 'An ETag of this call. A pod that is behind it never answers 200'),
    header('Prefer', '`wait=<seconds>`, at most 30; only with If-None-Match'),
    query('cursor', 'Never answers with less than this cursor has seen'),
  ],
  responses: {
    '200': {
      description: 'One element per insurer of the panel, in its order, from the first moment',
      headers: { ETag: text('Changes with everything that is shown') },
      content: { 'application/json': { schema: schemas.add('QuotesBody', QuotesBody) } },
    },
    '304': { description: 'Nothing newer', headers: { ETag: text('That of what is held here') } },
    '401': response('NoCredential'),
    '404': response('NotFound'),
    '405': response('MethodNotOffered'),
    '503': response('Behind'),
  },
});

const getHistory = (schemas: SchemaBook): JsonObject => ({
  operationId: 'getHistory',
  summary: 'The requests of this browser, newest first',
  description:
    'By the cookie `osago_owner`; without it, or with one that is none of ours, the list is empty. A page goes on from ' +
    'the last request of the one before, so pages have neither gap nor repeat while new requests come. No personal data.',
  security: [{ owner: [] }, {}],
  parameters: [
    query('limit', 'Requests of a page', { type: 'integer', minimum: 1, maximum: 100, default: 20 }),
    query('cursor', '`next_cursor` of the page before'),
  ],
  responses: {
    '200': {
      description: 'One page; without `next_cursor` it is the last',
      content: { 'application/json': { schema: schemas.add('RequestHistory', RequestHistory) } },
    },
    '400': response('Faults'),
    '405': response('MethodNotOffered'),
    '503': response('Away'),
  },
});

const INSURER_ID: JsonObject = { name: 'insurer_id', in: 'path', required: true, schema: { type: 'string' } };

const REQUEST_ID: JsonObject = {
  name: 'request_id',
  in: 'path',
  required: true,
  schema: { type: 'string', format: 'uuid' },
};

export const renderOpenapi = (version: string): string => {
  const schemas = new SchemaBook('#/components/schemas/');
  schemas.add('Problem', Problem);
  const ofRequest = (get: JsonObject): JsonObject => ({ parameters: [REQUEST_ID], get });
  return renderYaml('libs/contracts/src/request-api.ts', {
    openapi: '3.1.0',
    info: {
      title: 'OSAGO quote platform: HTTP API',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: API_PREFIX }],
    paths: {
      '/requests': { get: getHistory(schemas), post: postRequest(schemas) },
      '/requests/{request_id}': { ...ofRequest(getRequest(schemas)), delete: cancelRequest(schemas) },
      '/requests/{request_id}/stream': ofRequest(getStream(schemas)),
      '/requests/{request_id}/quotes': ofRequest(getQuotes(schemas)),
      '/requests/{request_id}/quotes/{insurer_id}/retry': {
        parameters: [REQUEST_ID, INSURER_ID],
        post: retryQuote(schemas),
      },
      '/insurers': { get: getInsurers(schemas) },
      '/tariffs': { get: getTariffs(schemas) },
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: '`access_token` of the answer to POST' },
        query: { type: 'apiKey', in: 'query', name: 'access_token', description: 'The same token' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'osago_access', description: 'Set by POST' },
        owner: { type: 'apiKey', in: 'cookie', name: 'osago_owner', description: 'Of this browser; set by POST' },
      },
      responses: RESPONSES,
      schemas: schemas.all(),
    },
  });
};
