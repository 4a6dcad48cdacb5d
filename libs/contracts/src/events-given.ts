/** Events of every type, made by chance, for the tests of this folder. */
import fc from 'fast-check';
import {
  EVENT_SCHEMAS,
  type EventType,
  type Leg,
  LEG_EVENT_TYPES,
  legEventId,
  legKey,
  type LegRetryAsked,
  type OsagoEvent,
  type PublishedStatus,
  type Quote,
  type RequestSubmitted,
  requestEventId,
  type TariffAttributes,
} from './index.ts';

const timestamp = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
const insurerId = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/);
const kopecks = fc.nat(1_000_000_000);
const word = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });

const tariff: fc.Arbitrary<TariffAttributes> = fc.record({
  category: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
  power_hp: fc.integer({ min: 1, max: 2_000 }),
  year: fc.integer({ min: 1950, max: 2100 }),
  purpose: fc.constantFrom('personal', 'taxi'),
  region: fc.constantFrom('01', '77', '99'),
  months: fc.integer({ min: 3, max: 12 }),
  policy_start_date: fc.constant('2026-12-01'),
  unlimited_drivers: fc.boolean(),
  drivers: fc.array(fc.record({ age: fc.nat(99), experience_years: fc.nat(80) }), { maxLength: 3 }),
});

const submitted: fc.Arbitrary<RequestSubmitted> = fc.record({
  request_id: fc.uuid(),
  revision: fc.constant(1 as const),
  accepted_at: timestamp,
  deadline_at: timestamp,
  panel: fc.array(fc.record({ insurer_id: insurerId, name: word, deadline_at: timestamp }), { minLength: 1, maxLength: 10 }),
  tariff,
  application_sealed: word,
});

const cancelled = fc.record({ request_id: fc.uuid(), revision: fc.integer({ min: 2, max: 99 }) });

const retryAsked: fc.Arbitrary<LegRetryAsked> = fc.record({
  request_id: fc.uuid(),
  revision: fc.integer({ min: 2, max: 99 }),
  insurer_id: insurerId,
  attempt: fc.integer({ min: 2, max: 9 }),
  deadline_at: timestamp,
  tariff,
  application_sealed: word,
});

const always = {
  insurer_id: insurerId,
  name: word,
  final: fc.boolean(),
  late: fc.boolean(),
  attempt: fc.integer({ min: 1, max: 9 }),
  deadline_at: timestamp,
  request_id: fc.uuid(),
  fence: fc.nat(),
  step: fc.nat(99),
};
const sometimes: { [K in keyof Quote]?: fc.Arbitrary<NonNullable<Quote[K]>> } = {
  submitted_at: timestamp,
  answered_at: timestamp,
  valid_until: timestamp,
  cached_at: timestamp,
  premium_kopecks: kopecks,
  total_kopecks: kopecks,
  base_rate_kopecks: kopecks,
  coefficients: fc.record({
    kt: fc.double({ noNaN: true, min: 0.1, max: 9 }),
    kbm: fc.constant(1.17),
    kvs: fc.constant(1),
    ko: fc.constant(1),
    km: fc.constant(1.4),
    ks: fc.constant(0.5),
  }),
  extras: fc.array(fc.record({ name: word, premium_kopecks: kopecks, mandatory: fc.boolean() }), { maxLength: 2 }),
  pool: fc.boolean(),
  reason: fc.record({ code: word, message: word }, { requiredKeys: ['code'] }),
  missing_fields: fc.array(word, { maxLength: 3 }),
  retryable: fc.boolean(),
};

const legOf = (status: PublishedStatus): fc.Arbitrary<Leg> =>
  fc
    .record({ ...always, ...sometimes }, { requiredKeys: Object.keys(always) as (keyof typeof always)[] })
    .map((leg) => ({ ...leg, status }));

const event = (
  type: EventType,
  data: fc.Arbitrary<{ request_id: string }>,
  named: (data: never) => { id: string; subject: string },
): fc.Arbitrary<OsagoEvent> =>
  fc.record({ data, time: timestamp }).map(
    ({ data: made, time }) =>
      ({
        specversion: '1.0',
        source: '/osago/a-test',
        type,
        time,
        datacontenttype: 'application/json',
        ...named(made as never),
        data: made,
      }) as unknown as OsagoEvent,
  );

const command = (data: { request_id: string; revision: number }) => ({
  id: requestEventId(data.request_id, data.revision),
  subject: data.request_id,
});
const leg = (data: Leg) => ({ id: legEventId(data), subject: legKey(data.request_id, data.insurer_id) });

const COMMANDS: Partial<Record<EventType, fc.Arbitrary<OsagoEvent>>> = {
  'osago.request.submitted.v1': event('osago.request.submitted.v1', submitted, command),
  'osago.request.cancelled.v1': event('osago.request.cancelled.v1', cancelled, command),
  'osago.leg.retry-asked.v1': event('osago.leg.retry-asked.v1', retryAsked, command),
};

export const EVENT_TYPES = Object.keys(EVENT_SCHEMAS) as EventType[];

/** Events of one type. */
export const eventsOf = (type: EventType): fc.Arbitrary<OsagoEvent> => {
  const ofCommand = COMMANDS[type];
  if (ofCommand !== undefined) return ofCommand;
  const [status] = Object.entries(LEG_EVENT_TYPES).find(([, ofStatus]) => ofStatus === type) ?? [];
  return event(type, legOf(status as PublishedStatus), leg);
};
