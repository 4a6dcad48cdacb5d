/** TypeBox schemas as plain JSON Schema, for files that others read. */
import type { TSchema } from '@sinclair/typebox';

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type JsonObject = { [member: string]: Json };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `anyOf` of constants reads better as one `enum`. */
const joined = (schema: JsonObject): JsonObject => {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const isText = (part: Json): boolean => isObject(part) && typeof part['const'] === 'string';
  if (!anyOf.every(isText)) return schema;
  return { type: 'string', enum: anyOf.map((part) => (part as { const: string }).const), ...rest };
};

/** Says what stands in place of a part: a reference; or undefined, and the part itself stands there. */
type Refer = (part: TSchema) => JsonObject | undefined;

/** `$id` is left out: inside a document it would change what references mean. */
const plain = (part: unknown, refer: Refer): Json => {
  if (Array.isArray(part)) return part.map((element) => referOrPlain(element, refer));
  if (!isObject(part)) return part as Json;
  const { $id: _id, ...members } = part;
  return joined(
    Object.fromEntries(Object.entries(members).map(([name, member]) => [name, referOrPlain(member, refer)])),
  );
};

const referOrPlain = (part: unknown, refer: Refer): Json =>
  (isObject(part) ? refer(part as unknown as TSchema) : undefined) ?? plain(part, refer);

/** Everything written out in place. */
export const plainSchema = (schema: TSchema): JsonObject => plain(schema, () => undefined) as JsonObject;

/** Schemas of one document: a part with a name stands once under `prefix`, and is referred to elsewhere. */
export class SchemaBook {
  readonly #prefix: string;
  readonly #names: ReadonlyMap<TSchema, string>;
  readonly #written = new Map<string, JsonObject>();

  /** `named` has a name for parts without `$id`. */
  constructor(prefix: string, named: Readonly<Record<string, TSchema>> = {}) {
    this.#prefix = prefix;
    this.#names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]));
  }

  /** A reference to the schema, which is written down under the name. */
  add(name: string, schema: TSchema): JsonObject {
    if (!this.#written.has(name)) {
      this.#written.set(name, {});
      this.#written.set(name, plain(schema, (part) => this.#refer(part)) as JsonObject);
    }
    return { $ref: `${this.#prefix}${name}` };
  }

  #refer(part: TSchema): JsonObject | undefined {
    const name = part.$id ?? this.#names.get(part);
    return name === undefined ? undefined : this.add(name, part);
  }

  /** By name. */
  all(): JsonObject {
    return Object.fromEntries([...this.#written].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
