/** The ten default profiles together: whatever kind of application comes, each answers as its data says. */
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { insurersVehicle, SAMPLE_KINDS, type SampleKind, sampleOfKind, tariffAttributes, vehicleKindOf } from '@osago/quotes';
import { type Outcome, planFor } from './behaviour.ts';
import { loadProfiles, type Profile } from './profile.ts';

const TODAY = '2026-11-21';
const NOW_MS = Date.parse(`${TODAY}T09:00:00Z`);
const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);
const PROFILES = loadProfiles(join(import.meta.dirname, '..', 'profiles.yaml'));

const outcome = (profile: Profile, kind: SampleKind, seed: number): Outcome => {
  const application = sampleOfKind(kind, seed, TODAY);
  return planFor({ profile, seed: 1, speed: 1 }, { key: `key ${seed}`, application }, { nowMs: NOW_MS }).outcome;
};

/** How it ends, and why where it is declined. */
const ending = (of: Outcome): string => (of.status === 'declined' ? of.reason.code : of.status);

/** What the data of the profile leaves possible. */
const possible = (profile: Profile, kind: SampleKind, seed: number): string[] => {
  const { declined_share, decline_reason, fails_share, insurer_id, needs_data_share, not_insured, segment } = profile;
  const application = sampleOfKind(kind, seed, TODAY);
  if (fails_share === 1) return ['failed'];
  if (not_insured.includes(vehicleKindOf(tariffAttributes(application, TODAY)))) return ['vehicle_kind'];
  if (insurersVehicle(insurer_id, application.vehicle).kind === 'no_vehicle_mapping') return ['no_vehicle_mapping'];
  if (declined_share === 1) return [decline_reason.code];
  return [
    'ready',
    ...(segment === undefined ? [] : ['segment']),
    ...(declined_share > 0 ? [decline_reason.code] : []),
    ...(needs_data_share > 0 ? ['needs_data'] : []),
  ];
};

describe.each(SAMPLE_KINDS)('an application of the kind %s', (kind) => {
  test.each(PROFILES)('is answered by $insurer_id as its data says', (profile) => {
    for (const seed of SEEDS) expect(possible(profile, kind, seed)).toContain(ending(outcome(profile, kind, seed)));
  });

  test('gets at least three quotes of those who answer', () => {
    const answering = PROFILES.filter(({ never_answers }) => !never_answers);
    for (const seed of SEEDS) {
      const quoted = answering.filter((profile) => outcome(profile, kind, seed).status === 'ready');
      expect(quoted.length).toBeGreaterThanOrEqual(3);
    }
  });
});

test.each(['alfa', 'epsilon', 'eta', 'kappa'])('%s quotes every plain car, whatever the key: nothing is left to chance', (id) => {
  const profile = PROFILES.find(({ insurer_id }) => insurer_id === id)!;
  const chances = [profile.fails_share, profile.declined_share, profile.needs_data_share];
  expect(chances).toEqual([0, 0, 0]);
  for (const kind of ['car', 'unlimited', 'renewed'] as const) {
    for (const seed of SEEDS) expect(outcome(profile, kind, seed).status).toBe('ready');
  }
});

test('a policy follows its former one at each insurer that quotes a renewal', () => {
  for (const profile of PROFILES) {
    const of = outcome(profile, 'renewed', 1);
    if (of.status === 'ready') expect(of.quote).toMatchObject({ prolongation_from_other: true });
  }
});
