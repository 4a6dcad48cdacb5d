/**
 * What a simulated insurer does with an application, decided once, when it arrives: the answer and its moment. Nothing
 * else counts later, so the order of polls changes nothing. Every draw comes from the seed, the insurer, the
 * idempotency key and a purpose: a run can be repeated exactly, whatever the load.
 */
import type { Application, InsurerAnswer, InsurerQuote, Reason } from '@osago/contracts';
import { insurersVehicle, type RuleSettings, seededRandom, type TariffRefusal, vehicleKindOf } from '@osago/quotes';
import { type Priced, price } from './pricing.ts';
import type { Profile } from './profile.ts';

export interface Behaviour {
  profile: Profile;
  seed: number;
  /** Divides every delay. */
  speed: number;
  /** Of the tariff; those of @osago/quotes where it has none. */
  rules?: RuleSettings;
}

export interface ReceivedApplication {
  /** The Idempotency-Key, or the request id where the caller sent none. */
  key: string;
  application: Application;
}

export type Outcome =
  | { status: 'ready'; quote: InsurerQuote }
  | { status: 'declined' | 'failed'; reason: Reason }
  | { status: 'needs_data'; reason: Reason; missing_fields: string[] };

export interface Plan {
  applicationId: string;
  /** Infinity: never. */
  readyAtMs: number;
  outcome: Outcome;
  /** There for insurers with a preliminary price. */
  estimate?: { fromMs: number; quote: InsurerQuote };
}

/** The 95th percentile of the standard normal distribution. */
const Z95 = 1.645;

/** No latency is longer than this many times p95: otherwise one in a thousand would outlast any deadline. */
const LATENCY_MAX_P95S = 2;

const drawsOf = (behaviour: Behaviour, key: string, purpose: string) =>
  seededRandom(`${behaviour.seed} ${behaviour.profile.insurer_id} ${key} ${purpose}`);

/** Log-normal through both percentiles of the profile; the normal number is Box and Muller's. */
const latencyMs = (behaviour: Behaviour, key: string): number => {
  const { p50_ms, p95_ms } = behaviour.profile.latency;
  const random = drawsOf(behaviour, key, 'latency');
  const normal = Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
  const sigma = Math.log(p95_ms / p50_ms) / Z95;
  return Math.min(p50_ms * Math.exp(sigma * normal), LATENCY_MAX_P95S * p95_ms) / behaviour.speed;
};

const REFUSAL_REASONS: Readonly<Record<TariffRefusal, Reason>> = {
  unknown_region: { code: 'region', message: 'Компания не страхует в этом регионе' },
  no_tariff_in_force: { code: 'start_date', message: 'На эту дату тариф не установлен' },
  impossible_period: { code: 'period', message: 'Период использования не предусмотрен тарифом' },
  no_drivers: { code: 'drivers', message: 'Не указан ни один водитель' },
  impossible_experience: { code: 'experience', message: 'Стаж водителя не соответствует его возрасту' },
  base_rate_outside_corridor: { code: 'other', message: 'Компания не готова предложить полис' },
};

const FAILED: Outcome = {
  status: 'failed',
  reason: { code: 'internal', message: 'Внутренняя ошибка страховой компании' },
};

const isMissing = (application: Application, pointer: string): boolean => {
  let value: unknown = application;
  for (const name of pointer.slice(1).split('/')) {
    value = (value as Record<string, unknown> | undefined)?.[name];
  }
  return value === undefined;
};

/** What it does not insure at all: a kind of vehicle, or a model that it has no name for. */
const vehicleReason = (profile: Profile, { vehicle }: Application, { attributes }: Priced): Reason | undefined => {
  if (profile.not_insured.includes(vehicleKindOf(attributes))) {
    return { code: 'vehicle_kind', message: 'Компания не страхует такие транспортные средства' };
  }
  const mapped = insurersVehicle(profile.insurer_id, vehicle);
  if (mapped.kind === 'no_vehicle_mapping') return mapped.reason;
  // The tariff knows no models, so an unlisted one has a price like any other.
  return mapped.kind === 'unlisted' && profile.listed_only
    ? { code: 'no_vehicle_mapping', message: 'Этой модели нет в справочнике компании' }
    : undefined;
};

const segmentReason = ({ segment }: Profile, { attributes, kbm }: Priced): Reason | undefined => {
  if (segment === undefined) return undefined;
  if (attributes.drivers.some(({ age }) => age < segment.driver_age_min)) {
    return { code: 'segment', message: `Водители моложе ${segment.driver_age_min} лет не страхуются` };
  }
  if (kbm > segment.kbm_max) {
    return { code: 'segment', message: 'Слишком много страховых случаев у водителей' };
  }
  return undefined;
};

const outcomeOf = (
  behaviour: Behaviour,
  { key, application }: ReceivedApplication,
  nowMs: number,
): { outcome: Outcome; estimated?: InsurerQuote } => {
  const { profile } = behaviour;
  const draw = drawsOf(behaviour, key, 'outcome').unit();
  if (draw < profile.fails_share) return { outcome: FAILED };
  const priced = price(behaviour, application, nowMs);
  if (priced.kind === 'refused') {
    return { outcome: { status: 'declined', reason: REFUSAL_REASONS[priced.refusal] } };
  }
  const reason = vehicleReason(profile, application, priced) ?? segmentReason(profile, priced);
  if (reason !== undefined) return { outcome: { status: 'declined', reason } };
  if (draw < profile.fails_share + profile.declined_share) {
    return { outcome: { status: 'declined', reason: profile.decline_reason } };
  }
  const missing = profile.needs_data_fields.filter((pointer) => isMissing(application, pointer));
  const asks = draw < profile.fails_share + profile.declined_share + profile.needs_data_share;
  if (asks && missing.length > 0) {
    const why = { code: 'data_missing', message: 'Для расчёта нужны дополнительные данные' };
    return { outcome: { status: 'needs_data', reason: why, missing_fields: missing } };
  }
  return { outcome: { status: 'ready', quote: priced.final }, estimated: priced.estimated };
};

/** 96 bits in hexadecimal; the same for the same key, also after a restart. */
const applicationIdOf = (behaviour: Behaviour, key: string, copy: number): string => {
  const random = drawsOf(behaviour, key, copy === 0 ? 'application id' : `application id ${copy}`);
  const word = (): string => random.integer(0, 2 ** 32 - 1).toString(16).padStart(8, '0');
  return `${behaviour.profile.insurer_id}-${word()}${word()}${word()}`;
};

/** When an application arrives; what makes this one later than usual, or one more of the same key. */
export interface Arrival {
  nowMs: number;
  lateMs?: number;
  copy?: number;
}

/** Decides everything about an application that arrives now. */
export const planFor = (
  behaviour: Behaviour,
  received: ReceivedApplication,
  { nowMs, lateMs = 0, copy = 0 }: Arrival,
): Plan => {
  const { profile } = behaviour;
  const delayMs = latencyMs(behaviour, received.key) + lateMs / behaviour.speed;
  const { outcome, estimated } = outcomeOf(behaviour, received, nowMs);
  const plan: Plan = {
    applicationId: applicationIdOf(behaviour, received.key, copy),
    readyAtMs: profile.never_answers ? Infinity : nowMs + delayMs,
    outcome,
  };
  if (profile.estimate === undefined || estimated === undefined) return plan;
  return { ...plan, estimate: { fromMs: nowMs + delayMs * profile.estimate.at_share, quote: estimated } };
};

/** True when the reply to the POST itself is the answer; a failure shows only in a poll, never as an HTTP error. */
export const answersInPost = ({ profile }: Behaviour, { outcome }: Plan): boolean =>
  profile.sync && !profile.never_answers && outcome.status !== 'failed';

/** What a poll at that moment is told. */
export const answerAt = (plan: Plan, nowMs: number): InsurerAnswer => {
  const application_id = plan.applicationId;
  if (nowMs >= plan.readyAtMs) return { application_id, ...plan.outcome };
  if (plan.estimate !== undefined && nowMs >= plan.estimate.fromMs) {
    return { application_id, status: 'estimated', quote: plan.estimate.quote };
  }
  return { application_id, status: 'pending' };
};
