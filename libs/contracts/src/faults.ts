/** Checks a value against a schema and reports every fault once, with JSON Pointers. */
import type { Static, TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type ValueError, ValueErrorType } from '@sinclair/typebox/errors';
import { type FaultCode, type FaultLanguage, faultText } from './fault-texts.ts';
import type { Fault } from './request-api.ts';

export type Checked<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/** At most this many faults are named: a hostile body cannot make the answer large. */
const FAULTS_MAX = 100;

/** A fault with its words in English. */
export const faultOf = (pointer: string, code: FaultCode, params?: Fault['params']): Fault => ({
  pointer,
  code,
  detail: faultText({ code, detail: code, params }, 'en'),
  ...(params !== undefined && { params }),
});

/** The same faults in words of that language. */
export const faultsIn = (language: FaultLanguage, faults: readonly Fault[]): Fault[] =>
  faults.map((fault) => ({ ...fault, detail: faultText(fault, language) }));

/** The code of an error, and the keyword of the schema whose value its words name. */
const CODES: Partial<Record<ValueErrorType, readonly [code: FaultCode, param?: string, keyword?: string]>> = {
  [ValueErrorType.ObjectRequiredProperty]: ['required'],
  [ValueErrorType.ObjectAdditionalProperties]: ['unknown_member'],
  [ValueErrorType.StringFormat]: ['bad_format', 'format', 'format'],
  [ValueErrorType.StringMinLength]: ['too_short', 'min', 'minLength'],
  [ValueErrorType.StringMaxLength]: ['too_long', 'max', 'maxLength'],
  [ValueErrorType.ArrayMinItems]: ['too_few'],
  [ValueErrorType.ArrayMaxItems]: ['too_many', 'max', 'maxItems'],
  [ValueErrorType.NumberMinimum]: ['too_small', 'min', 'minimum'],
  [ValueErrorType.NumberExclusiveMinimum]: ['too_small', 'min', 'exclusiveMinimum'],
  [ValueErrorType.NumberMaximum]: ['too_large', 'max', 'maximum'],
  [ValueErrorType.IntegerMinimum]: ['too_small', 'min', 'minimum'],
  [ValueErrorType.IntegerMaximum]: ['too_large', 'max', 'maximum'],
  [ValueErrorType.Union]: ['not_allowed'],
  [ValueErrorType.Literal]: ['not_allowed'],
};

const toFault = ({ path, schema, type }: ValueError): Fault => {
  const [code, param, keyword] = CODES[type] ?? ['wrong_type' as const];
  if (param === undefined || keyword === undefined) return faultOf(path, code);
  return faultOf(path, code, { [param]: schema[keyword] as string | number });
};

interface Variant extends TSchema {
  properties: Record<string, TSchema>;
  required?: string[];
}

/** A variant is meant by a value that agrees with its constants; an optional one may be left out. */
const isMeant = ({ properties, required = [] }: Variant, value: Record<string, unknown>): boolean =>
  Object.entries(properties).every(([name, { const: constant }]) => {
    if (constant === undefined) return true;
    return value[name] === undefined ? !required.includes(name) : value[name] === constant;
  });

/** "No variant fits" helps nobody: of objects the faults are those of the variant that was meant. */
function* errorsIn(error: ValueError): Iterable<ValueError> {
  const variants = error.type === ValueErrorType.Union ? (error.schema['anyOf'] as TSchema[]) : [];
  const areObjects = variants.length > 0 && variants.every(({ type }) => type === 'object');
  if (!areObjects) {
    yield error;
    return;
  }
  const { value } = error;
  const members = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  const meant = variants.findIndex((variant) => members !== undefined && isMeant(variant as Variant, members));
  // A constant that no variant has is a fault of its own: the first variant names it.
  const inside = error.errors[Math.max(meant, 0)];
  if (inside === undefined) yield error;
  else for (const inner of inside) yield* errorsIn(inner);
}

/** Compiles once, checks often. Beyond the schema's own type nothing is changed in the value. */
export const checker = <T extends TSchema>(schema: T): ((value: unknown) => Checked<Static<T>>) => {
  const compiled = TypeCompiler.Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return { ok: true, value };
    const byPointer = new Map<string, Fault>();
    for (const outer of compiled.Errors(value)) {
      for (const error of errorsIn(outer)) {
        if (byPointer.size >= FAULTS_MAX) break;
        if (!byPointer.has(error.path)) byPointer.set(error.path, toFault(error));
      }
    }
    return { ok: false, faults: [...byPointer.values()] };
  };
};
