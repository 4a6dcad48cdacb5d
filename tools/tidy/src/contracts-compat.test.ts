import { describe, expect, test } from '@jest/globals';
import { EVENT_TYPES, eventSchema, SCHEMAS_FOLDER, schemaPath } from './event-schemas.ts';
import type { Json, JsonObject } from './plain-schema.ts';
import { listFiles, readText } from './repository.ts';
import { incompatibilities } from './schema-compat.ts';

const object = (properties: JsonObject, required: string[] = [], more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  required,
  ...more,
});
const string: JsonObject = { type: 'string' };

interface Change {
  name: string;
  published: Json;
  current: Json;
  says: string[];
}

const CHANGES: Change[] = [
  { name: 'nothing', published: object({ a: string }), current: object({ a: string }), says: [] },
  {
    name: 'a further optional member',
    published: object({ a: string }),
    current: object({ a: string, b: string }),
    says: [],
  },
  {
    name: 'other words about a member',
    published: object({ a: { ...string, description: 'one' } }),
    current: object({ a: { ...string, description: 'two' } }),
    says: [],
  },
  { name: 'a removed member', published: object({ a: string }), current: object({}), says: ['a: was removed'] },
  {
    name: 'a further required member',
    published: object({}),
    current: object({ a: string }, ['a']),
    says: ['a: is required now'],
  },
  {
    name: 'a member that became required',
    published: object({ a: string }),
    current: object({ a: string }, ['a']),
    says: ['a: is required now'],
  },
  {
    name: 'a member that became optional',
    published: object({ a: string }, ['a']),
    current: object({ a: string }),
    says: ['a: is no longer required'],
  },
  {
    name: 'another type, deep inside a list',
    published: object({ a: { type: 'array', items: object({ b: string }) } }),
    current: object({ a: { type: 'array', items: object({ b: { type: 'integer' } }) } }),
    says: ['a[].b: type changed from "string" to "integer"'],
  },
  {
    name: 'a narrower enum',
    published: object({ a: { enum: ['x', 'y'] } }),
    current: object({ a: { enum: ['x'] } }),
    says: ['a: the value y was removed'],
  },
  {
    name: 'a wider enum',
    published: object({ a: { enum: ['x'] } }),
    current: object({ a: { enum: ['x', 'y'] } }),
    says: ['a: the value y is new, its readers do not know it'],
  },
  {
    name: 'a text that became an enum',
    published: object({ a: string }),
    current: object({ a: { ...string, enum: ['x'] } }),
    says: ['a: is limited to certain values now'],
  },
  {
    name: 'a tighter bound',
    published: object({ a: { type: 'integer', maximum: 5 } }),
    current: object({ a: { type: 'integer', maximum: 4 } }),
    says: ['a: maximum changed from 5 to 4'],
  },
  {
    name: 'a bound where there was none',
    published: object({ a: string }),
    current: object({ a: { ...string, maxLength: 9 } }),
    says: ['a: maxLength changed from nothing to 9'],
  },
  {
    name: 'another format',
    published: object({ a: { ...string, format: 'date' } }),
    current: object({ a: { ...string, format: 'date-time' } }),
    says: ['a: format changed from "date" to "date-time"'],
  },
  {
    name: 'an optional member of an object that allows no further ones',
    published: object({ a: object({}, [], { additionalProperties: false }) }),
    current: object({ a: object({ b: string }, [], { additionalProperties: false }) }),
    says: ['a.b: is new where no further members are allowed'],
  },
  {
    name: 'another constant',
    published: object({ specversion: { const: '1.0' } }),
    current: object({ specversion: { const: '1.1' } }),
    says: ['specversion: const changed from "1.0" to "1.1"'],
  },
  {
    name: 'a list that is none any more',
    published: object({ a: { type: 'array', items: string } }),
    current: object({ a: string }),
    says: ['a: type changed from "array" to "string"', 'a: its elements changed'],
  },
];

describe('comparing a schema with the published one', () => {
  test.each(CHANGES)('judges $name', ({ published, current, says }) => {
    expect(incompatibilities(published, current)).toEqual(says);
  });
});

describe('the events', () => {
  const published = listFiles().filter((path) => path.startsWith(`${SCHEMAS_FOLDER}/`));

  test('are each published under docs/schemas, and no published type has gone', () => {
    expect(published).toEqual(EVENT_TYPES.map(schemaPath).sort());
  });

  test.each(EVENT_TYPES)('%s changes in no way that its readers could not take', (type) => {
    const changes = incompatibilities(JSON.parse(readText(schemaPath(type))) as Json, eventSchema(type));
    // Each change needs a new version of the type, or a member that is optional.
    expect(changes).toEqual([]);
  });
});
