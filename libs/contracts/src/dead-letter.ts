/**
 * A record that a shared consumer group could not decode or apply, as it stands on `osago.dead-letters.v1`: where it was,
 * why it is here, and its bytes, so that it can be published again. It is no event of a request: nobody folds it.
 *
 * v1  2026-11  first version
 */
import { type Static, Type } from '@sinclair/typebox';
import { type Checked, checker } from './faults.ts';
import { Timestamp } from './formats.ts';

export const DEAD_LETTER_TYPE = 'osago.dead-letter.v1';

export const DeadLetterData = Type.Object({
  topic: Type.String({ minLength: 1 }),
  partition: Type.Integer({ minimum: 0 }),
  offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  reason: Type.String({ minLength: 1 }),
  key: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  /** The value's bytes, the first of them if it was too long to be carried; null if it had none. */
  value_base64: Type.Union([Type.String(), Type.Null()]),
  /** How long the value was. */
  value_bytes: Type.Integer({ minimum: 0 }),
  /** Something was left out of key, headers or value: what is here is not the record. */
  cut: Type.Boolean(),
});
export type DeadLetterData = Static<typeof DeadLetterData>;

export const DeadLetter = Type.Object({
  specversion: Type.Literal('1.0'),
  /** `<topic>-<partition>-<offset>`: the same record buried twice has one id. */
  id: Type.String({ minLength: 1 }),
  /** Which app buried it. */
  source: Type.String({ minLength: 1 }),
  type: Type.Literal(DEAD_LETTER_TYPE),
  subject: Type.String({ minLength: 1 }),
  time: Timestamp,
  datacontenttype: Type.Literal('application/json'),
  data: DeadLetterData,
});
export type DeadLetter = Static<typeof DeadLetter>;

export const deadLetterId = ({ topic, partition, offset }: Pick<DeadLetterData, 'topic' | 'partition' | 'offset'>): string =>
  `${topic}-${partition}-${offset}`;

const check = checker(DeadLetter);

/** Never throws: what is no dead letter comes back with the faults. */
export const decodeDeadLetter = (bytes: Buffer | null): Checked<DeadLetter> => {
  try {
    return check(JSON.parse(String(bytes)));
  } catch {
    return { ok: false, faults: [{ pointer: '', code: 'wrong_type', detail: 'the value is no JSON' }] };
  }
};
