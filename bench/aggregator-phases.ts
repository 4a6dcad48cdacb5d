/** What bench:aggregator measures, each in scenes of its own. Delays count from when the simulated insurer had its answer. */
import { join } from 'node:path';
import type { BareBatch, BareSettings } from './aggregator-bare.ts';
import { type Asking, askingsOf, type InsurersSettings, keyOf, marketOf, planOf } from './aggregator-market.ts';
import type { Profile } from '../apps/insurer-simulator/src/profile.ts';
import { armOf, nameOf, type PollCounts, type Polling } from './aggregator-plans.ts';
import type { Spent } from './aggregator-pod.ts';
import { BenchProcess } from './aggregator-process.ts';
import type { Share } from './aggregator-profile.ts';
import { countersOf, type Outcome, type Scene, type Sending, until, type World } from './aggregator-world.ts';
import { quantile } from './report.ts';

export interface Size {
  seed: string;
  requests: number;
  perSecond: number;
  /** Of the insurers: divides their delays, and with them the deadline. */
  speed: number;
}

const SEED = 1;
const MINUTE_MS = 60_000;
/** An answer that is ready so long before the deadline is found before it by every way to poll. */
const MARGIN_MS = 10_000;
const ANSWERS = new Set(['quoted', 'declined', 'needs_data']);

interface Leg {
  asking: Asking;
  insurerId: string;
  applicationId: string;
  /** Before its deadline; negative after it. */
  readyEarlyMs: number;
  readyAtMs: number;
  outcomes: readonly Outcome[];
}

interface Played {
  askings: readonly Asking[];
  sending: Sending;
  sentAtMs: ReadonlyMap<string, number>;
}

/** The legs that reached their insurer. */
const legsOf = async (scene: Scene, insurers: InsurersSettings, { askings, sending, sentAtMs }: Played, outcomes: ReadonlyMap<string, readonly Outcome[]>): Promise<Leg[]> => {
  const received = new Map(await scene.insurers.ask<[string, number][]>('received'));
  const profiles = marketOf(insurers).filter(({ insurer_id }) => sending.panel.includes(insurer_id));
  return askings.flatMap((asking) =>
    profiles.flatMap((profile) => {
      const key = keyOf(asking.requestId, profile.insurer_id);
      const receivedAtMs = received.get(key);
      if (receivedAtMs === undefined) return [];
      const { applicationId, readyAtMs } = planOf(insurers, profile, asking, receivedAtMs);
      const readyEarlyMs = (sentAtMs.get(asking.requestId) ?? 0) + sending.deadlineMs - readyAtMs;
      return [{ asking, insurerId: profile.insurer_id, applicationId, readyEarlyMs, readyAtMs, outcomes: outcomes.get(key) ?? [] }];
    }),
  );
};

const answerOf = ({ outcomes }: Leg): Outcome | undefined => outcomes.find(({ status }) => ANSWERS.has(status));

const play = async (world: World, { seed, requests, perSecond, speed }: Size, panel: readonly string[]): Promise<Played> => {
  const askings = askingsOf(seed, requests);
  const sending = { perSecond, deadlineMs: MINUTE_MS / speed, panel };
  return { askings, sending, sentAtMs: await world.send(askings, sending) };
};

const namesOf = (insurers: InsurersSettings): string[] => marketOf(insurers).map(({ insurer_id }) => insurer_id);

export interface PollingResult {
  /** By name of the way to poll; judged insurers only. */
  arms: Map<string, { meanMs: number; p99Ms: number; pollsPerQuote: number; pollsPerLeg: number; quotes: number }>;
  /** Insurers whose own limits decide how often they are asked. */
  saturated: string[];
  /** Judged legs that had an answer in time and were not told of it: failed, or skipped while the breaker was open. */
  lost: number;
  /** Round trips to Redis for the permits of one call. */
  leases: number;
}

export const measurePolling = async (world: World, size: Size, { pods, compared, lessons }: { pods: number; compared: readonly Polling[]; lessons: number }): Promise<PollingResult> => {
  const insurers = { seed: SEED, speed: size.speed, isClean: false };
  const scene = await world.begin({ insurers, pods, polling: { compared: [...compared], lessons } });
  const played = await play(world, size, namesOf(insurers));
  const outcomes = await world.outcomes(played.askings, played.sending);
  const legs = await legsOf(scene, insurers, played, outcomes);
  const counts = (await Promise.all(scene.pods.map((pod) => pod.ask<[string, PollCounts][]>('polls')))).flat();
  const counters = await countersOf(scene);
  const leases = (await leasesOf(scene)) / (await callsOf(scene));
  await world.end(scene);

  /** It is asked as often as it allows, so the rest waits. */
  const isShort = ({ insurer_id, limit }: Profile): boolean => (counters[insurer_id]?.per_second_max ?? 0) >= (limit?.rate_per_s ?? Infinity);
  const asked = marketOf(insurers).filter(({ sync }) => !sync);
  const saturated = asked.filter(isShort).map(({ insurer_id }) => insurer_id);
  const judged = new Set(asked.map(({ insurer_id }) => insurer_id).filter((id) => !saturated.includes(id)));
  const ready = legs.filter(({ insurerId, readyEarlyMs }) => judged.has(insurerId) && readyEarlyMs >= MARGIN_MS / size.speed);
  const arms: PollingResult['arms'] = new Map();
  for (const arm of compared) {
    const mine = ready.filter(({ applicationId }) => armOf(compared, applicationId) === arm);
    const delaysMs = mine.flatMap((leg) => {
      const answer = answerOf(leg);
      return answer === undefined ? [] : [answer.atMs - leg.readyAtMs];
    });
    const ofArm = counts.filter(([name]) => [...judged].some((id) => name === `${id} ${nameOf(arm)}`));
    const sum = (of: keyof PollCounts): number => ofArm.reduce((total, [, one]) => total + one[of], 0);
    const all = legs.filter((leg) => judged.has(leg.insurerId) && armOf(compared, leg.applicationId) === arm);
    const quotes = all.filter((leg) => answerOf(leg)?.late === false).length;
    const meanMs = delaysMs.reduce((total, ms) => total + ms, 0) / delaysMs.length;
    const perLeg = { pollsPerQuote: sum('polls') / quotes, pollsPerLeg: sum('polls') / sum('asked'), quotes };
    arms.set(nameOf(arm), { meanMs, p99Ms: quantile(delaysMs, 0.99), ...perLeg });
  }
  return { arms, saturated, lost: ready.filter((leg) => answerOf(leg) === undefined).length, leases };
};

const leasesOf = async ({ pods }: Scene): Promise<number> =>
  (await Promise.all(pods.map((pod) => pod.ask<Spent>('spent')))).reduce((sum, { scripts }) => sum + (scripts['lease'] ?? 0), 0);

const callsOf = async (scene: Scene): Promise<number> =>
  Object.values(await countersOf(scene)).reduce((sum, { calls }) => sum + calls, 0);

const resetCounters = async ({ origin }: Scene): Promise<void> => {
  await fetch(`${origin}/admin/counters`, { method: 'DELETE' });
};

export interface CpuResult {
  oursUs: number;
  bareUs: number;
  calls: number;
  bareCalls: number;
  /** Scripts that Redis ran for each call, by what they do. */
  scripts: Record<string, number>;
  /** Empty where nothing was profiled. */
  profile: { ours: Share[]; bare: Share[] };
}

const profileFile = (name: string): string => join(import.meta.dirname, 'out', `aggregator-${name}.cpuprofile`);

/** Of one more batch, which is not measured. */
const profiled = async (process: BenchProcess | undefined, file: string, work: () => Promise<void>): Promise<Share[]> => {
  await process?.ask('profile');
  await work();
  return (await process?.ask<Share[]>('profiled', profileFile(file))) ?? [];
};

const WARM_UP_MAX = 250;
/** Requests that are asked before, so that what is compiled is not measured. */
const warmUp = (size: Size): Size => ({ ...size, seed: `${size.seed} warm-up`, requests: Math.min(WARM_UP_MAX, Math.ceil(size.requests / 2)) });
const PROFILED_MAX = 150;
const toProfile = (size: Size): Size => ({ ...size, seed: `${size.seed} profiled`, requests: Math.min(PROFILED_MAX, size.requests) });

export const measureCpu = async (world: World, size: Size, { everyMs, isProfiled }: { everyMs: number; isProfiled: boolean }): Promise<CpuResult> => {
  const insurers = { seed: SEED, speed: size.speed, isClean: true };
  const panel = namesOf(insurers);
  const scene = await world.begin({ insurers, pods: 1, polling: { everyMs } });
  const spent = async (): Promise<Spent> => (await scene.pods[0]?.ask<Spent>('spent')) ?? { cpuUs: 0, scripts: {} };
  const asked = async (one: Size): Promise<void> => {
    const { askings, sending } = await play(world, one, panel);
    await world.outcomes(askings, sending);
  };
  await asked(warmUp(size));
  await resetCounters(scene);
  const before = await spent();
  await asked(size);
  const after = await spent();
  const calls = await callsOf(scene);
  const ours = isProfiled ? await profiled(scene.pods[0], 'pod', () => asked(toProfile(size))) : [];
  await world.end(scene);
  const scripts = Object.fromEntries(Object.entries(after.scripts).map(([kind, count]) => [kind, (count - (before.scripts[kind] ?? 0)) / calls]));
  const oursUs = (after.cpuUs - before.cpuUs) / calls;
  const bare = await measureBare(world, size, { everyMs, isProfiled, callsPerLease: 1 / (scripts['lease'] ?? 1) });
  return { oursUs, bareUs: bare.us, calls, bareCalls: bare.calls, scripts, profile: { ours, bare: bare.profile } };
};

const measureBare = async (
  world: World,
  size: Size,
  { everyMs, callsPerLease, isProfiled }: { everyMs: number; callsPerLease: number; isProfiled: boolean },
): Promise<{ us: number; calls: number; profile: Share[] }> => {
  const insurers = { seed: SEED, speed: size.speed, isClean: true };
  const scene = await world.begin({ insurers, pods: 0, polling: { everyMs } });
  const { brokers, redisUrl, partitions } = world;
  const deadlineMs = MINUTE_MS / size.speed;
  const settings: BareSettings = { brokers, redisUrl, partitions, origin: scene.origin, insurerIds: namesOf(insurers), everyMs, deadlineMs, callsPerLease };
  const bare = await BenchProcess.start('aggregator-bare.ts', settings);
  const ask = ({ seed, requests: count, perSecond }: Size): Promise<void> => bare.ask('ask', { seed, count, perSecond } satisfies BareBatch);
  await ask(warmUp(size));
  await resetCounters(scene);
  const before = await bare.ask<Spent>('spent');
  await ask(size);
  const { cpuUs } = await bare.ask<Spent>('spent');
  const calls = await callsOf(scene);
  const profile = isProfiled ? await profiled(bare, 'bare', () => ask(toProfile(size))) : [];
  await bare.stop();
  await world.end(scene);
  return { us: (cpuUs - before.cpuUs) / calls, calls, profile };
};

const HANGING = 'alfa';
/** A leg is polled twelve times at most: every second where the insurers are five times as fast. */
const evenly = ({ speed }: Size): { compared: Polling[]; lessons: number } => ({
  compared: [{ kind: 'fixed', everyMs: MINUTE_MS / speed / 12 }],
  lessons: 0,
});

/** The delays of the nine others, p99: first with all well, then while one takes every call and answers none. */
export const measureHang = async (world: World, size: Size): Promise<{ calmMs: number; hangingMs: number }> => {
  const p99Of = async (isHanging: boolean): Promise<number> => {
    const insurers = { seed: SEED, speed: size.speed, isClean: true };
    const scene = await world.begin({ insurers, pods: 1, polling: evenly(size) });
    if (isHanging) {
      const body = JSON.stringify([{ kind: 'slow_drip', bytes_per_s: 0.001 }]);
      const { ok } = await fetch(`${scene.origin}/admin/faults/${HANGING}`, { method: 'PUT', body });
      if (!ok) throw new Error('the simulator refused the fault');
    }
    const warm = await play(world, warmUp(size), namesOf(insurers));
    await world.outcomes(warm.askings, warm.sending);
    const played = await play(world, size, namesOf(insurers));
    const legs = await legsOf(scene, insurers, played, await world.outcomes(played.askings, played.sending));
    await world.end(scene);
    const others = legs.filter(({ insurerId, readyEarlyMs }) => insurerId !== HANGING && readyEarlyMs >= MARGIN_MS / size.speed);
    return quantile(others.map((leg) => (answerOf(leg)?.atMs ?? Infinity) - leg.readyAtMs), 0.99);
  };
  return { calmMs: await p99Of(false), hangingMs: await p99Of(true) };
};

export interface KillResult {
  /** By how much the last outcome of all, and of the request that suffers most, comes later. */
  lastMs: number;
  shiftMs: number;
  postedTwice: number;
}

export const measureKill = async (world: World, size: Size): Promise<KillResult> => {
  const insurers = { seed: SEED, speed: size.speed, isClean: true };
  const panel = namesOf(insurers);
  /** When each leg ended after its request was sent. */
  const endsOf = async (isKilled: boolean): Promise<{ endMs: Map<string, { status: string; ms: number }>; postedTwice: number }> => {
    const scene = await world.begin({ insurers, pods: 2, polling: evenly(size) });
    const { askings, sending, sentAtMs } = await play(world, size, panel);
    const isAsked = async (): Promise<boolean> => (await scene.insurers.ask<unknown[]>('received')).length === askings.length * panel.length;
    await until('every insurer has every application', isAsked);
    if (isKilled) await scene.pods.shift()?.kill();
    const outcomes = await world.outcomes(askings, sending);
    const postedTwice = Object.values(await countersOf(scene)).reduce((sum, one) => sum + one.duplicate_posts, 0);
    await world.end(scene);
    const ends = askings.flatMap(({ requestId }) =>
      panel.map((insurerId) => {
        const [first] = outcomes.get(keyOf(requestId, insurerId)) ?? [];
        const ms = (first?.atMs ?? Infinity) - (sentAtMs.get(requestId) ?? 0);
        return [keyOf(requestId, insurerId), { status: first?.status ?? '', ms }] as const;
      }),
    );
    return { endMs: new Map(ends), postedTwice };
  };
  const calm = await endsOf(false);
  const killed = await endsOf(true);
  // What ends at its deadline ends then in both: it would hide the answers that come later.
  const answered = [...calm.endMs].filter(([, { status }]) => status !== 'timeout');
  const last = (of: typeof calm, requestId = ''): number =>
    Math.max(...answered.flatMap(([key]) => (key.startsWith(requestId) ? [of.endMs.get(key)?.ms ?? Infinity] : [])));
  const requests = [...new Set(answered.map(([key]) => key.split(':')[0] ?? ''))];
  return {
    lastMs: last(killed) - last(calm),
    shiftMs: Math.max(...requests.map((requestId) => last(killed, requestId) - last(calm, requestId))),
    postedTwice: killed.postedTwice,
  };
};
