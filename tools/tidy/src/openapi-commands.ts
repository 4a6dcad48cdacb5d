/** The calls of docs/openapi.yaml that change a request after its POST, and those that look at what stands around it. */
import { CancelReply, InsurersReply, RequestReply, RetryBody, RetryReply, TariffsReply } from '@osago/contracts';
import { ACCESS, query, response } from './openapi-parts.ts';
import type { JsonObject, SchemaBook } from './plain-schema.ts';

export const getRequest = (schemas: SchemaBook): JsonObject => ({
  operationId: 'getRequest',
  summary: 'The application, personal data masked',
  security: ACCESS,
  responses: {
    '200': {
      description: 'With the changes of the last retry',
      content: { 'application/json': { schema: schemas.add('RequestReply', RequestReply) } },
    },
    '401': response('NoCredential'),
    '404': response('NotFound'),
    '503': response('Away'),
  },
});

export const cancelRequest = (schemas: SchemaBook): JsonObject => {
  const content = { 'application/json': { schema: schemas.add('CancelReply', CancelReply) } };
  return {
    operationId: 'cancelRequest',
    summary: 'Call the request off',
    description: 'Insurers are asked no more within a second; every quote without outcome is `cancelled`, streams end.',
    security: ACCESS,
    responses: {
      '200': { description: 'It had ended or was cancelled before: nothing changes', content },
      '202': { description: 'Cancelled', content },
      '401': response('NoCredential'),
      '404': response('NotFound'),
      '503': response('Away'),
    },
  };
};

export const retryQuote = (schemas: SchemaBook): JsonObject => ({
  operationId: 'retryQuote',
  summary: 'Ask one insurer again',
  description:
    'With what it said was missing, where the person has it: each value of `changes` is set at its JSON Pointer in the ' +
    'application, missing objects are made, `-` appends. The whole is checked again. The same click later gets the same answer.',
  security: ACCESS,
  requestBody: { required: true, content: { 'application/json': { schema: schemas.add('RetryBody', RetryBody) } } },
  responses: {
    '202': {
      description: 'The insurer is asked; the request is in progress again, its own `deadline_at` stays',
      content: { 'application/json': { schema: schemas.add('RetryReply', RetryReply) } },
    },
    '400': response('Faults'),
    '401': response('NoCredential'),
    '404': response('NotFound'),
    '405': response('MethodNotOffered'),
    '409': response('NotNow'),
    '413': response('TooLarge'),
    '503': response('Away'),
  },
});

export const getInsurers = (schemas: SchemaBook): JsonObject => ({
  operationId: 'getInsurers',
  summary: 'Who is asked, and how each of them is',
  security: [],
  responses: {
    '200': {
      description: 'In the order of the panel. `unknown`: nothing was heard lately',
      content: { 'application/json': { schema: schemas.add('InsurersReply', InsurersReply) } },
    },
    '405': response('MethodNotOffered'),
  },
});

export const getTariffs = (schemas: SchemaBook): JsonObject => ({
  operationId: 'getTariffs',
  summary: 'Which tables of the tariff are in force',
  security: [],
  parameters: [query('on', 'The first day of the policy; by default the earliest allowed', { type: 'string', format: 'date' })],
  responses: {
    '200': {
      description: 'Each table with its directive, its first day and its source',
      content: { 'application/json': { schema: schemas.add('TariffsReply', TariffsReply) } },
    },
    '400': response('Faults'),
    '405': response('MethodNotOffered'),
  },
});
