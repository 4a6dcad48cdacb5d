/** What POST and retry ask of an application, in the order that counts: one spelling, then shape, then sense. */
import { type Checked, normaliseApplication } from '@osago/contracts';
import { applicationFaults } from './application-rules.ts';
import { DEFAULT_RULE_SETTINGS, type RuleSettings } from './rule-settings.ts';

/**
 * The application in its one spelling, or every fault of shape and of sense at once. `check` is a `checker` of a schema
 * that has the members of `Application`; `today` is the day in Moscow.
 */
export const checkApplication = <T>(
  check: (value: unknown) => Checked<T>,
  value: unknown,
  today: string,
  settings: RuleSettings = DEFAULT_RULE_SETTINGS,
): Checked<T> => {
  const spelled = normaliseApplication(value);
  const shape = check(spelled);
  const ofShape = shape.ok ? [] : shape.faults;
  const faults = [...ofShape, ...applicationFaults(spelled, ofShape, today, settings)];
  return shape.ok && faults.length === 0 ? shape : { ok: false, faults };
};
