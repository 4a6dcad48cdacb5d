/** Who is asked in bench:aggregator, for what, and what of it the seed alone decides. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Application, InsurerSettings } from '@osago/contracts';
import { moscowDate, sampleApplication } from '@osago/quotes';
import { type Plan, planFor } from '../apps/insurer-simulator/src/behaviour.ts';
import { loadProfiles, type Profile } from '../apps/insurer-simulator/src/profile.ts';

export interface InsurersSettings {
  seed: number;
  /** Divides every delay of the insurers. */
  speed: number;
  /** Without the faults and limits of the profiles: for what is not about them. */
  isClean: boolean;
}

const MARKET = join(import.meta.dirname, '..', 'apps', 'insurer-simulator', 'market.yaml');

const withoutLimit = ({ limit: _limit, ...profile }: Profile): Profile => ({ ...profile, faults: [] });

export const marketOf = ({ isClean }: Pick<InsurersSettings, 'isClean'>): Profile[] => {
  const profiles = loadProfiles(MARKET);
  return isClean ? profiles.map(withoutLimit) : profiles;
};

/** So much that only an insurer with a limit of its own is ever short of it. */
const PLENTY = { rate_per_s: 1_000, burst: 1_000, concurrency: 100 };
/** Some answer in the POST itself, after seconds. */
const POST_TIMEOUT_MS = 15_000;

/** As in the insurers file. An insurer with a limit is asked within it. */
export const settingsOfMarket = (profiles: readonly Profile[], port: number): InsurerSettings[] =>
  profiles.map(({ insurer_id, name, limit }) => ({
    insurer_id,
    name,
    base_url: `http://127.0.0.1:${port}/${insurer_id}`,
    adapter: 'standard',
    ...PLENTY,
    ...(limit !== undefined && { rate_per_s: limit.rate_per_s, burst: limit.rate_per_s }),
    deadline_ms: 60_000,
    post_timeout_ms: POST_TIMEOUT_MS,
    cache_hours: 0,
  }));

export interface Asking {
  requestId: string;
  application: Application;
}

/** The same seed gives the same people under the same ids, and so the same latencies. */
export const askingsOf = (seed: string, count: number): Asking[] => {
  const today = moscowDate(Date.now());
  return Array.from({ length: count }, (_, at) => {
    const hex = createHash('sha256').update(`${seed} ${at}`).digest('hex');
    const requestId = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
    return { requestId, application: sampleApplication(at, today) };
  });
};

export const keyOf = (requestId: string, insurerId: string): string => `${requestId}:${insurerId}`;

/** What the insurer decides about an application that it has at `nowMs`. */
export const planOf = (
  { seed, speed }: Pick<InsurersSettings, 'seed' | 'speed'>,
  profile: Profile,
  { requestId, application }: Asking,
  nowMs: number,
): Plan => planFor({ profile, seed, speed }, { key: keyOf(requestId, profile.insurer_id), application }, { nowMs });
