/**
 * An application as its owner sees it again: enough to know which one it is, not enough for anybody else. What is not
 * listed as harmless is masked, so a member that comes later is masked until somebody thinks about it.
 */
import type { Application } from '@osago/contracts';

/** Members by name whose values name nobody. */
const HARMLESS: ReadonlySet<string> = new Set([
  'type', 'kind', 'category', 'brand', 'model', 'year', 'power_hp', 'power_kw', 'trailer', 'max_mass_kg',
  'passenger_seats', 'regular_route', 'region', 'country', 'unlimited_drivers', 'purpose', 'months', 'from', 'to', 'days',
  'policy_start_date', 'insurer_id', 'ends_on', 'version', 'text_sha256', 'given_at', 'reason',
]);

const HIDDEN = '***';

/** The last characters of a number, as people read them to each other. */
const ending = (text: string, shown: number): string =>
  text.length > shown + 2 ? `${HIDDEN}${text.slice(-shown)}` : HIDDEN;

const MASKS: Readonly<Record<string, (text: string) => string>> = {
  last_name: (text) => `${text.slice(0, 1)}${HIDDEN}`,
  first_name: (text) => `${text.slice(0, 1)}${HIDDEN}`,
  middle_name: (text) => `${text.slice(0, 1)}${HIDDEN}`,
  birth_date: (text) => text.slice(0, 4),
  experience_from: (text) => text.slice(0, 4),
  vin: (text) => `${text.slice(0, 3)}${HIDDEN}${text.slice(-4)}`,
  plate: (text) => `${text.slice(0, 1)}${HIDDEN}${text.slice(-2)}`,
  number: (text) => ending(text, 2),
  policy_number: (text) => ending(text, 2),
  phone: (text) => `+7${HIDDEN}${text.slice(-2)}`,
  email: (text) => `${text.slice(0, 1)}${HIDDEN}${text.slice(text.indexOf('@'))}`,
};

const masked = (name: string, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((element) => masked(name, element));
  if (typeof value === 'object' && value !== null) return maskedMembers(value);
  if (HARMLESS.has(name)) return value;
  return typeof value === 'string' ? (MASKS[name]?.(value) ?? HIDDEN) : HIDDEN;
};

const maskedMembers = (members: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).map(([name, value]: [string, unknown]) => [name, masked(name, value)]));

export const maskedApplication = (application: Application): Record<string, unknown> => maskedMembers(application);
