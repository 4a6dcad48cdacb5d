/**
 * `npm run bench:aggregator`: how soon after an insurer has its answer the person's quote is on the log, what a call to an
 * insurer costs beside a bare loop that does the same, and what a hanging insurer and a killed pod change. `--quick` only
 * proves that it works. `--only=polling,cpu,hang,kill` runs and judges a part; `--requests=2500` is the size of all of them,
 * else each has its own, `--rounds=1` how often all but polling are measured.
 */
import { parseArgs } from 'node:util';
import { type CpuResult, type KillResult, measureCpu, measureHang, measureKill, measurePolling, type PollingResult, type Size } from './aggregator-phases.ts';
import { nameOf, type Polling } from './aggregator-plans.ts';
import { World } from './aggregator-world.ts';
import { median, report, type Row, spreadOf } from './report.ts';

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    requests: { type: 'string' },
    only: { type: 'string' },
  },
});
const isQuick = args.quick;
const ROUNDS = Number(args.rounds ?? 1);
/** Of each part; a CPU time or a p99 needs fewer than five ways to poll at once. */
const REQUESTS = { polling: 2_500, cpu: 800, hang: 500, kill: 300 };
const QUICK_REQUESTS = 10;
const isAsked = (part: string): boolean => args.only?.split(',').includes(part) ?? true;
const startedMs = performance.now();
const say = (line: string): void => {
  const seconds = Math.floor((performance.now() - startedMs) / 1_000);
  process.stderr.write(`${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')} ${line}\n`);
};

/** In the quick lane a minute passes in a second. */
const SECOND_MS = isQuick ? 50 : 1_000;
const LEARNED: Polling = { kind: 'learned', everyMs: 2 * SECOND_MS };
const FIXED: readonly Polling[] = [1, 2, 3].map((seconds) => ({ kind: 'fixed', everyMs: seconds * SECOND_MS }));
const HINTED: Polling = { ...LEARNED, kind: 'hinted' };
const COMPARED = [LEARNED, ...FIXED, HINTED];
/** Of each insurer; a fifth of them is polled as learned, and so learned from. */
const LESSONS = isQuick ? 50 : 1_500;
/** The insurers as they are for what is about waiting; five times as fast for what is not. */
/** So many that ten insurers, all pods and the parts leave two cores some rest: what waits for a core is no delay of polling. */
const POLLING = { perSecond: 20, speed: 1 };
const OTHERS = { perSecond: 25, speed: 5 };
const QUICK = { perSecond: 20, speed: 60 };

const sizeOf = (part: keyof typeof REQUESTS, seed: string): Size => {
  const requests = Number(args.requests ?? (isQuick ? QUICK_REQUESTS : REQUESTS[part]));
  return { seed, requests, ...(isQuick ? QUICK : part === 'polling' ? POLLING : OTHERS) };
};

/** Says how long it took. */
const timed = async <T>(what: string, { requests, perSecond }: Size, work: () => Promise<T>): Promise<T> => {
  say(`${what}: ${requests} requests, ${perSecond} a second`);
  const fromMs = performance.now();
  const result = await work();
  say(`${what} took ${((performance.now() - fromMs) / 1_000).toFixed(0)} s`);
  return result;
};

const polling: { pods: number; result: PollingResult }[] = [];
const cpu: CpuResult[] = [];
const hang: { calmMs: number; hangingMs: number }[] = [];
const kill: KillResult[] = [];

const world = await World.start({ say });
try {
  if (isAsked('polling')) {
    for (const pods of isQuick ? [2] : [1, 2]) {
      const size = sizeOf('polling', `polling ${pods}`);
      const compared = { pods, compared: COMPARED, lessons: LESSONS };
      polling.push({ pods, result: await timed(`polling, pods: ${pods}`, size, () => measurePolling(world, size, compared)) });
    }
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    const seed = `round ${round}`;
    const [ofCpu, ofHang, ofKill] = [sizeOf('cpu', seed), sizeOf('hang', seed), sizeOf('kill', seed)];
    const everyMs = isQuick ? LEARNED.everyMs : LEARNED.everyMs / OTHERS.speed;
    const options = { everyMs, isProfiled: round === 1 && !isQuick };
    if (isAsked('cpu')) cpu.push(await timed(`CPU, ${seed}`, ofCpu, () => measureCpu(world, ofCpu, options)));
    if (isAsked('hang')) hang.push(await timed(`a hanging insurer, ${seed}`, ofHang, () => measureHang(world, ofHang)));
    // Its group waits for the dead member's session to end: too long for the quick lane.
    if (isAsked('kill') && !isQuick) kill.push(await timed(`a killed pod, ${seed}`, ofKill, () => measureKill(world, ofKill)));
  }
} finally {
  await world.close();
}

type Arm = NonNullable<ReturnType<PollingResult['arms']['get']>>;

/** Fixed polling with as many polls a leg: between the two of the same run that have more and fewer. Its delay is as long as its interval. */
const fixedAt = (arms: PollingResult['arms'], pollsPerLeg: number, of: 'meanMs' | 'p99Ms'): number => {
  const fixed = FIXED.flatMap((one) => arms.get(nameOf(one)) ?? []);
  const at = Math.min(Math.max(fixed.findIndex((one) => one.pollsPerLeg < pollsPerLeg), 1), fixed.length - 1);
  const [more, fewer] = [fixed[at - 1], fixed[at]];
  if (more === undefined || fewer === undefined) return Number.NaN;
  const interval = (polls: number): number => 1 / polls;
  const part = (interval(pollsPerLeg) - interval(more.pollsPerLeg)) / (interval(fewer.pollsPerLeg) - interval(more.pollsPerLeg));
  return more[of] + part * (fewer[of] - more[of]);
};

/** Round trips to Redis for the permits of insurers, by call. */
const LEASES_MAX = 0.3;
const leasesRow = (on: string, leases: number): Row => {
  const goal = { text: `≤ ${LEASES_MAX}`, met: leases <= LEASES_MAX };
  return { metric: `round trips to Redis for permits, a call, ${on}`, unit: '', ours: leases, goal };
};

const pollingRows = ({ pods, result: { arms, saturated, lost, leases } }: (typeof polling)[number]): Row[] => {
  const on = pods === 1 ? '1 pod' : `${pods} pods`;
  const learned = arms.get(nameOf(LEARNED));
  if (learned === undefined) return [];
  const judged = (metric: string, of: 'meanMs' | 'p99Ms', most: number): Row => {
    const floor = fixedAt(arms, learned.pollsPerLeg, of);
    const goal = { text: `≤ ${most.toFixed(2)} ×`, met: learned[of] <= most * floor };
    return { metric: `ready → published, ${on}, ${metric} (floor: fixed, as many polls)`, unit: 'ms', ours: learned[of], floor, goal };
  };
  const told = (kind: Polling, { meanMs, p99Ms, pollsPerQuote }: Arm): Row[] => [
    { metric: `  ${nameOf(kind)}, mean (floor: learned)`, unit: 'ms', ours: meanMs, floor: learned.meanMs },
    { metric: `  ${nameOf(kind)}, p99 (floor: learned)`, unit: 'ms', ours: p99Ms, floor: learned.p99Ms },
    { metric: `  ${nameOf(kind)}, polls a quote (floor: learned)`, unit: '', ours: pollsPerQuote, floor: learned.pollsPerQuote },
  ];
  return [
    judged('mean', 'meanMs', 0.8),
    judged('p99', 'p99Ms', 1.5),
    { metric: `  ${nameOf(LEARNED)}, polls a quote`, unit: '', ours: learned.pollsPerQuote },
    ...[...FIXED, HINTED].flatMap((kind) => told(kind, arms.get(nameOf(kind)) ?? learned)),
    { metric: `  insurers whose own limits decide, not judged: ${saturated.join(', ') || 'none'}`, unit: '', ours: saturated.length },
    { metric: '  answers in time that were not told, of all judged legs', unit: '', ours: lost },
    leasesRow(on, leases),
  ];
};

/** More is in `bench/out/aggregator-*.cpuprofile`. */
const PROFILE_LINES = 20;

/** Where the CPU time of a call goes, by file and package, with what Node does for it; beside the same of the floor. */
const profileRows = ({ oursUs, bareUs, profile }: CpuResult): Row[] => {
  const bare = new Map(profile.bare.map(({ name, share }) => [name, share * bareUs]));
  return profile.ours.slice(0, PROFILE_LINES).map(({ name, share, functions }) => {
    const metric = `  ${name}${functions.length > 0 ? `: ${functions.join(', ')}` : ''}`;
    const floor = bare.get(name);
    return { metric, unit: 'µs', ours: share * oursUs, ...(floor !== undefined && { floor }) };
  });
};

const cpuRows = (): Row[] => {
  const ours = cpu.map(({ oursUs }) => oursUs);
  const floor = median(cpu.map(({ bareUs }) => bareUs));
  const [first] = cpu;
  if (first === undefined) return [];
  const scripts = Object.entries(first.scripts).map(([kind, perCall]) => ({ metric: `  scripts of Redis a call: ${kind}`, unit: '', ours: perCall }));
  const goal = { text: '≤ 1.5 ×', met: median(ours) <= 1.5 * floor };
  return [
    { metric: 'CPU an insurer call (floor: bare undici, ioredis, kafkajs)', unit: 'µs', ours: median(ours), floor, spread: spreadOf(ours), goal },
    ...profileRows(first),
    leasesRow('1 pod, insurers 5 × as fast', median(cpu.map(({ scripts: { lease = 0 } }) => lease))),
    ...scripts,
    { metric: '  calls to insurers that were measured', unit: '', ours: first.calls, floor: first.bareCalls },
  ];
};

const hangRows = (): Row[] => {
  const ours = hang.map(({ hangingMs }) => hangingMs);
  const floor = median(hang.map(({ calmMs }) => calmMs));
  if (ours.length === 0) return [];
  const goal = { text: '≤ 1.05 ×', met: median(ours) <= 1.05 * floor };
  return [{ metric: 'one insurer hangs: p99 of the nine others (floor: none hangs)', unit: 'ms', ours: median(ours), floor, spread: spreadOf(ours), goal }];
};

const KILL_MS_MAX = 3_000;
const killRows = (): Row[] => {
  if (kill.length === 0) return [];
  const last = median(kill.map(({ lastMs }) => lastMs));
  const shift = median(kill.map(({ shiftMs }) => shiftMs));
  const goalOf = (ms: number) => ({ text: `≤ ${KILL_MS_MAX}`, met: ms <= KILL_MS_MAX });
  return [
    { metric: 'kill -9 of one of two pods: the last outcome comes later by', unit: 'ms', ours: last, goal: goalOf(last) },
    { metric: 'kill -9: the last outcome of the request that suffers most', unit: 'ms', ours: shift, goal: goalOf(shift) },
    { metric: 'kill -9: applications POSTed twice, under the same key', unit: '', ours: Math.max(...kill.map(({ postedTwice }) => postedTwice)) },
  ];
};

report('aggregator', [...polling.flatMap(pollingRows), ...cpuRows(), ...hangRows(), ...killRows()], { isQuick });
