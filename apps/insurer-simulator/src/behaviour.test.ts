import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Application, checker, InsurerAnswer, type InsurerQuote } from '@osago/contracts';
import { priceMembers, sampleApplication, sampleOfKind } from '@osago/quotes';
import { answerAt, answersInPost, type Behaviour, type Outcome, type Plan, planFor } from './behaviour.ts';
import { loadProfiles, type Profile } from './profile.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const PROFILES = new Map(
  loadProfiles(join(import.meta.dirname, '..', 'profiles.yaml')).map((profile) => [profile.insurer_id, profile]),
);

const behaviourOf = (insurerId: string, given: Partial<Profile> = {}, speed = 1): Behaviour => ({
  profile: { ...PROFILES.get(insurerId)!, ...given },
  seed: 1,
  speed,
});

const application = sampleApplication(1, '2026-11-21');
const plan = (behaviour: Behaviour, key = 'key', of: Application = application): Plan =>
  planFor(behaviour, { key, application: of }, { nowMs: NOW_MS });
const finalAnswer = (of: Plan): InsurerAnswer => answerAt(of, of.readyAtMs);
const plans = (behaviour: Behaviour, count: number): Plan[] =>
  Array.from({ length: count }, (_, index) => plan(behaviour, `key ${index}`));

const prolongationOf = (outcome: Outcome): Pick<InsurerQuote, 'prolongation' | 'prolongation_from_other'> => {
  if (outcome.status !== 'ready') throw new Error(outcome.status);
  const { prolongation, prolongation_from_other } = outcome.quote;
  return {
    ...(prolongation !== undefined && { prolongation }),
    ...(prolongation_from_other !== undefined && { prolongation_from_other }),
  };
};

/** Always quotes. */
const QUOTES = { declined_share: 0, needs_data_share: 0, fails_share: 0 };

describe('an answer', () => {
  test.each([...PROFILES.keys()])('of %s is the protocol, before and after it is ready', (insurerId) => {
    const check = checker(InsurerAnswer);
    for (let seed = 0; seed < 50; seed += 1) {
      const one = plan(behaviourOf(insurerId), `key ${seed}`, sampleApplication(seed, '2026-11-21'));
      for (const atMs of [NOW_MS, one.estimate?.fromMs ?? NOW_MS, one.readyAtMs]) {
        expect(check(answerAt(one, atMs))).toMatchObject({ ok: true });
      }
    }
  });

  test('is pending until it is ready', () => {
    const one = plan(behaviourOf('alfa', QUOTES));
    expect(answerAt(one, one.readyAtMs - 1)).toEqual({ application_id: one.applicationId, status: 'pending' });
    expect(answerAt(one, one.readyAtMs)).toMatchObject({ status: 'ready' });
  });

  test('comes from the seed, the insurer and the key alone: asking again changes nothing', () => {
    expect(plan(behaviourOf('gamma'))).toEqual(plan(behaviourOf('gamma')));
    expect(plan(behaviourOf('gamma'))).not.toEqual(plan(behaviourOf('gamma'), 'another key'));
    expect(plan(behaviourOf('gamma'))).not.toEqual(plan({ ...behaviourOf('gamma'), seed: 2 }));
  });

  test('never comes from an insurer that never answers', () => {
    const one = plan(behaviourOf('zeta'));
    expect(answerAt(one, NOW_MS + 86_400_000)).toMatchObject({ status: 'pending' });
  });

  test('is a failure from theta and a refusal with a segment reason from delta, always', () => {
    for (const one of plans(behaviourOf('theta'), 50)) expect(one.outcome.status).toBe('failed');
    for (const one of plans(behaviourOf('delta'), 50)) {
      expect(one.outcome).toMatchObject({ status: 'declined', reason: { code: 'segment' } });
    }
  });
});

describe('latency', () => {
  const latencies = (speed: number): number[] =>
    plans(behaviourOf('gamma', {}, speed), 4_000)
      .map(({ readyAtMs }) => readyAtMs - NOW_MS)
      .sort((one, other) => one - other);

  test('has the percentiles of the profile, and no value beyond twice the 95th', () => {
    const sorted = latencies(1);
    expect(sorted[2_000]! / 8_000).toBeCloseTo(1, 1);
    expect(sorted[3_800]! / 25_000).toBeCloseTo(1, 1);
    expect(sorted.at(-1)).toBeLessThanOrEqual(50_000);
  });

  test('shrinks with the speed', () => {
    const [slow, fast] = [plan(behaviourOf('gamma')), plan(behaviourOf('gamma', {}, 10))];
    expect(fast.readyAtMs - NOW_MS).toBeCloseTo((slow.readyAtMs - NOW_MS) / 10, 0);
  });
});

describe('a price', () => {
  test('is the same for the same application under another key, and for reordered members', () => {
    const reordered = Object.fromEntries(Object.entries(application).reverse()) as Application;
    const [one, again, turned] = [
      plan(behaviourOf('alfa', QUOTES)),
      plan(behaviourOf('alfa', QUOTES), 'another'),
      plan(behaviourOf('alfa', QUOTES), 'key', reordered),
    ];
    expect(again.outcome).toEqual(one.outcome);
    expect(turned.outcome).toEqual(one.outcome);
  });

  test('multiplies out from the base rate and the coefficients it shows', () => {
    const { outcome } = plan(behaviourOf('epsilon', QUOTES));
    if (outcome.status !== 'ready') throw new Error(outcome.status);
    const { premium_kopecks, base_rate_kopecks, coefficients } = outcome.quote;
    const { kt, kbm, kvs, ko, km, ks } = coefficients!;
    expect(Math.abs(premium_kopecks - base_rate_kopecks! * kt * kbm * kvs * ko * km * ks)).toBeLessThan(0.51);
    expect(base_rate_kopecks).toBeGreaterThan(139_900);
    expect(base_rate_kopecks).toBeLessThanOrEqual(866_500);
  });

  test('uses one KBM for all insurers: it comes from the national system', () => {
    const kbms = ['alfa', 'beta', 'kappa'].map((insurerId) => {
      const { outcome } = plan(behaviourOf(insurerId, { ...QUOTES, segment: { driver_age_min: 0, kbm_max: 9 } }));
      return outcome.status === 'ready' ? outcome.quote.coefficients?.kbm : outcome.status;
    });
    expect(new Set(kbms).size).toBe(1);
  });

  test('names the pool and its mandatory extra, which the total holds', () => {
    const answer = finalAnswer(plan(behaviourOf('kappa')));
    if (answer.status !== 'ready') throw new Error(answer.status);
    expect(answer.quote).toMatchObject({ pool: true, extras: [{ premium_kopecks: 90_000, mandatory: true }] });
    expect(priceMembers(answer.quote).total_kopecks).toBe(answer.quote.premium_kopecks + 90_000);
  });

  test('has no pool elsewhere, and an extra that may be left out is not in the total', () => {
    const answer = finalAnswer(plan(behaviourOf('alfa')));
    if (answer.status !== 'ready') throw new Error(answer.status);
    expect(answer.quote).toMatchObject({ pool: false, extras: [{ mandatory: false }] });
    expect(priceMembers(answer.quote).total_kopecks).toBe(answer.quote.premium_kopecks);
  });

  test.each([
    ['a day', '2026-11-21T09:00:00Z', undefined, '2026-11-22T09:00:00.000Z'],
    ['until the policy begins', '2026-11-21T09:00:00Z', '2026-11-22', '2026-11-21T21:00:00.000Z'],
    ['until 1 April, when the KBM classes change', '2027-03-31T09:00:00Z', '2027-04-20', '2027-03-31T21:00:00.000Z'],
    ['until the next tariff', '2026-06-21T09:00:00Z', '2026-07-20', '2026-06-21T21:00:00.000Z'],
  ])('holds %s', (_, now, policy_start_date, valid_until) => {
    const asked = { ...application, ...(policy_start_date !== undefined && { policy_start_date }) };
    const { outcome } = planFor(behaviourOf('kappa'), { key: 'key', application: asked }, { nowMs: Date.parse(now) });
    expect(outcome).toMatchObject({ status: 'ready', quote: { valid_until } });
  });

  test.each([
    ['a renewal by the insurer that issued it', 'alfa', { prolongation: true }],
    ['taken over from another insurer of ours', 'beta', { prolongation_from_other: true }],
    ['taken over from an insurer that nobody named', undefined, { prolongation_from_other: true }],
  ])('after a former policy is %s', (_, insurer_id, flags) => {
    const renewed = sampleOfKind('renewed', 1, '2026-11-21');
    const prolongation = { ...renewed.prolongation!, ...(insurer_id !== undefined && { insurer_id }) };
    const { outcome } = plan(behaviourOf('alfa'), 'key', { ...renewed, prolongation });
    expect(prolongationOf(outcome)).toEqual(flags);
  });

  test('of a first policy says nothing of a former one', () => {
    expect(prolongationOf(plan(behaviourOf('alfa')).outcome)).toEqual({});
  });

  test('is declined where the tariff has none', () => {
    const elsewhere = structuredClone(application);
    elsewhere.owner.address.region = '99';
    expect(finalAnswer(plan(behaviourOf('alfa', QUOTES), 'key', elsewhere))).toMatchObject({
      status: 'declined',
      reason: { code: 'region' },
    });
  });
});

describe('an insurer with estimates', () => {
  test('shows an estimate first, then the final price, which may be 3 to 12 % higher', () => {
    const rises = Array.from({ length: 400 }, (_, seed) => {
      const one = plan(behaviourOf('iota'), 'key', sampleOfKind('car', seed, '2026-11-21'));
      const [first, last] = [answerAt(one, one.estimate!.fromMs), finalAnswer(one)];
      if (first.status !== 'estimated' || last.status !== 'ready') throw new Error('no price');
      return last.quote.premium_kopecks / first.quote.premium_kopecks - 1;
    }).filter((rise) => rise > 0);
    expect(rises.length / 400).toBeCloseTo(0.15, 1);
    expect(Math.min(...rises)).toBeGreaterThan(0.029);
    expect(Math.max(...rises)).toBeLessThan(0.121);
  });
});

describe('an insurer that needs data', () => {
  const asks = behaviourOf('gamma', { needs_data_share: 1 });

  test('names what is missing', () => {
    expect(finalAnswer(plan(asks))).toMatchObject({
      status: 'needs_data',
      missing_fields: ['/vehicle/body_number'],
    });
  });

  test('quotes once it is there', () => {
    const complete = structuredClone(application);
    complete.vehicle.body_number = 'XTT12345';
    expect(finalAnswer(plan(asks, 'key:2', complete))).toMatchObject({ status: 'ready' });
  });
});

describe('an insurer with a segment', () => {
  test('declines a young driver and takes an older one', () => {
    const beta = behaviourOf('beta', { ...QUOTES, segment: { driver_age_min: 22, kbm_max: 9 } });
    const young = structuredClone(application);
    young.drivers[0]!.birth_date = '2006-05-05';
    young.drivers[0]!.licence.experience_from = '2025-05-05';
    expect(finalAnswer(plan(beta, 'key', young))).toMatchObject({ status: 'declined', reason: { code: 'segment' } });
    expect(finalAnswer(plan(beta))).toMatchObject({ status: 'ready' });
  });

  test('declines too high a KBM', () => {
    const beta = behaviourOf('beta', { ...QUOTES, segment: { driver_age_min: 0, kbm_max: 0.1 } });
    expect(finalAnswer(plan(beta))).toMatchObject({ status: 'declined', reason: { code: 'segment' } });
  });
});

describe('a vehicle that an insurer does not take', () => {
  const withVehicle = (vehicle: Partial<Application['vehicle']>): Application => ({
    ...application,
    vehicle: { ...application.vehicle, ...vehicle },
  });
  const declined = (code: string) => ({ status: 'declined', reason: { code } });

  test('is one of a kind that its profile names', () => {
    const motorcycle = sampleOfKind('motorcycle', 1, '2026-11-21');
    expect(plan(behaviourOf('epsilon'), 'key', motorcycle).outcome).toMatchObject(declined('vehicle_kind'));
    expect(plan(behaviourOf('kappa'), 'key', motorcycle).outcome).toMatchObject({ status: 'ready' });
  });

  test('is a model that it has no name for, and only for that insurer', () => {
    const cayenne = withVehicle({ brand: 'PORSCHE', model: 'cayenne' });
    expect(plan(behaviourOf('epsilon'), 'key', cayenne).outcome).toMatchObject(declined('no_vehicle_mapping'));
    expect(plan(behaviourOf('alfa'), 'key', cayenne).outcome).toMatchObject({ status: 'ready' });
  });

  test('is a model that no dictionary has only where the profile says so: the tariff knows no models', () => {
    const unlisted = withVehicle({ brand: 'Trabant', model: '601' });
    const kappa = (listed_only: boolean): Behaviour =>
      behaviourOf('kappa', { ...QUOTES, listed_only });
    expect(plan(kappa(true), 'key', unlisted).outcome).toMatchObject(declined('no_vehicle_mapping'));
    expect(plan(kappa(false), 'key', unlisted).outcome).toMatchObject({ status: 'ready' });
  });

  test('is declined at once in the reply to the POST where the insurer answers there', () => {
    const one = plan(behaviourOf('epsilon'), 'key', sampleOfKind('motorcycle', 1, '2026-11-21'));
    expect(answersInPost(behaviourOf('epsilon'), one)).toBe(true);
  });
});
