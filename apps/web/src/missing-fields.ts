/** The fields that an insurer asks for, and what is sent when they are filled in. */
import type { Quote } from '@osago/contracts';
import { fieldsAt, type PlacedField } from './application-fields.ts';
import type { Changes } from './quote-retry.ts';

export interface MissingFields {
  /** An object that is missing is all of its fields. */
  fields: readonly PlacedField[];
  /** What the form has no field for. */
  unknown: readonly string[];
}

/** What this insurer asks for by its very name is not optional to it. */
const wanted = (field: PlacedField, pointer: string): PlacedField => {
  const { optional: _notHere, ...rest } = field;
  return field.pointer === pointer ? rest : field;
};

export const missingFields = ({ missing_fields: pointers = [] }: Quote): MissingFields => {
  const found = pointers.map((pointer) => ({ pointer, fields: fieldsAt(pointer).map((field) => wanted(field, pointer)) }));
  const byPointer = new Map(found.flatMap(({ fields }) => fields).map((field) => [field.pointer, field]));
  return {
    fields: [...byPointer.values()],
    unknown: found.filter(({ fields }) => fields.length === 0).map(({ pointer }) => pointer),
  };
};

/** Nothing of what it wants can be given here: to ask it again would be in vain. */
export const isInVain = (quote: Quote): boolean => {
  const { fields, unknown } = missingFields(quote);
  return quote.status === 'needs_data' && unknown.length > 0 && fields.length === 0;
};

/** What it wants by name and was left empty: it would only ask for it again. A switch says something either way. */
export const leftEmpty = (fields: readonly PlacedField[], values: Readonly<Record<string, string>>): readonly PlacedField[] =>
  fields.filter(
    ({ input, optional, pointer }) => optional !== true && input !== 'switch' && (values[pointer] ?? '').trim() === '',
  );

/** What is empty changes nothing. */
export const changesOf = (fields: readonly PlacedField[], values: Readonly<Record<string, string>>): Changes =>
  Object.fromEntries(
    fields.flatMap(({ normalise, pointer }): [string, string | number | boolean][] => {
      const typed = values[pointer] ?? '';
      return typed.trim() === '' ? [] : [[pointer, normalise(typed)]];
    }),
  );

/** Design §4: final, and wanting data, called off, not answered, or failed in a way that may pass. */
export const mayRetry = ({ final, retryable, status }: Quote): boolean =>
  final && (status === 'needs_data' || status === 'cancelled' || status === 'timeout' || retryable === true);
