/** A rule that came over HTTP. All that is wrong with it is said at once. */
import { isApiName } from './apis.ts';
import { isErrorName } from './error-codes.ts';
import { type Rule, RuleError } from './rules.ts';

type Check = readonly [isRight: (value: unknown) => boolean, wanted: string];

const whole = (least: number): Check => [(value) => Number.isSafeInteger(value) && Number(value) >= least, `a whole number from ${least}`];
const text: Check = [(value) => typeof value === 'string', 'a string'];
const oneOf = (...values: unknown[]): Check => [(value) => values.includes(value), `one of ${values.join(', ')}`];

const target: Readonly<Record<string, Check>> = {
  on: [(value) => isApiName(value) || Number.isSafeInteger(value), 'the name or the key of an API'],
  topic: text,
  partition: whole(0),
  node: whole(1),
  client: text,
  times: whole(1),
};

/** What each kind of fault takes beside its own name. */
const faults: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  answerWith: {
    ...target,
    answerWith: [(value) => isErrorName(value) || Number.isSafeInteger(value), "the name or the number of one of Kafka's errors"],
    handled: oneOf(true, false),
  },
  drop: { ...target, drop: oneOf('request', 'answer') },
  delay: { ...target, delay: oneOf('request', 'answer'), ms: whole(0) },
  close: { ...target, close: oneOf('before handling', 'after handling') },
  connections: { node: whole(1), connections: oneOf('refused', 'frozen') },
};

/** Throws {@link RuleError}. */
export const ruleFromJson = (json: unknown): Rule => {
  if (typeof json !== 'object' || json === null) throw new RuleError('a rule is an object');
  const kinds = Object.keys(faults).filter((kind) => kind in json);
  const fields = faults[kinds[0] ?? ''];
  if (kinds.length !== 1 || !fields) throw new RuleError(`a rule has one of ${Object.keys(faults).join(', ')}`);
  const wrong = Object.entries(json).flatMap(([name, value]) => {
    const [isRight, wanted] = fields[name] ?? [];
    if (!isRight) return [`${name} has no place in a rule with ${kinds.join()}`];
    return isRight(value) ? [] : [`${name} is not ${wanted ?? ''}`];
  });
  if (kinds[0] === 'delay' && !('ms' in json)) wrong.push('ms is missing');
  if (wrong.length > 0) throw new RuleError(wrong.join('; '));
  // Checked above, field by field.
  return json as Rule;
};
