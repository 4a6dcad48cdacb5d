/** Checks a value against a schema and reports every fault once, with JSON Pointers. */
import type { Static, TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type ValueError, ValueErrorType } from '@sinclair/typebox/errors';
import type { Fault } from './request-api.ts';

export type Checked<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/** At most this many faults are named: a hostile body cannot make the answer large. */
const FAULTS_MAX = 100;

const CODES: Partial<Record<ValueErrorType, string>> = {
  [ValueErrorType.ObjectRequiredProperty]: 'required',
  [ValueErrorType.ObjectAdditionalProperties]: 'unknown_member',
  [ValueErrorType.StringFormat]: 'bad_format',
  [ValueErrorType.StringMinLength]: 'too_short',
  [ValueErrorType.StringMaxLength]: 'too_long',
  [ValueErrorType.ArrayMinItems]: 'too_few',
  [ValueErrorType.ArrayMaxItems]: 'too_many',
  [ValueErrorType.NumberMinimum]: 'too_small',
  [ValueErrorType.NumberExclusiveMinimum]: 'too_small',
  [ValueErrorType.NumberMaximum]: 'too_large',
  [ValueErrorType.IntegerMinimum]: 'too_small',
  [ValueErrorType.IntegerMaximum]: 'too_large',
  [ValueErrorType.Union]: 'not_allowed',
  [ValueErrorType.Literal]: 'not_allowed',
};

const toFault = (error: ValueError): Fault => {
  const format = (error.schema as { format?: string }).format;
  const code = CODES[error.type] ?? 'wrong_type';
  return {
    pointer: error.path,
    code,
    detail: code === 'bad_format' ? `is not a valid ${format}` : error.message,
  };
};

/** Compiles once, checks often. Beyond the schema's own type nothing is changed in the value. */
export const checker = <T extends TSchema>(schema: T): ((value: unknown) => Checked<Static<T>>) => {
  const compiled = TypeCompiler.Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return { ok: true, value };
    const byPointer = new Map<string, Fault>();
    for (const error of compiled.Errors(value)) {
      if (byPointer.size >= FAULTS_MAX) break;
      if (!byPointer.has(error.path)) byPointer.set(error.path, toFault(error));
    }
    return { ok: false, faults: [...byPointer.values()] };
  };
};
