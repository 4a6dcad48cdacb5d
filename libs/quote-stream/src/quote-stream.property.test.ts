/** Many tabs, a bad network, sleeping machines: what holds whatever happens in between. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeOrigin, type FakeBrowser } from './fake-browser.ts';
import { FakeServer, type Network } from './fake-server.ts';
import { ACCEPTED_AT, bodyOf, quoteOf } from './quote-samples.ts';
import { openQuoteStream, type QuoteStreamHandle } from './quote-stream.ts';

/** A poll every two seconds at most, two for each wake, and the tries of a stream. */
const REQUESTS_A_MINUTE_MAX = 60;
const STREAMS_MAX = 3;
/** As many as a request of ten insurers may take; the last two are the end and a late answer. */
const STEPS = 30;
const TABS_MAX = 12;
const REQUESTS = ['r0', 'r1', 'r2', 'r3', 'r4'];

/** No schedule takes as long: what is late comes in time to be late. */
const AN_HOUR_LATER = new Date(Date.parse(ACCEPTED_AT) + 3_600_000).toISOString();

/** The premium of the first insurer says how far the history is. */
const HISTORY = Array.from({ length: STEPS }, (_, at) =>
  bodyOf(
    [
      quoteOf('alfa', { status: 'quoted', final: true, premium_kopecks: at }),
      quoteOf('beta', { status: at < STEPS - 2 ? 'waiting' : at < STEPS - 1 ? 'timeout' : 'quoted', final: at >= STEPS - 2 }),
    ],
    { status: at < STEPS - 2 ? 'in_progress' : 'partial', late_until: AN_HOUR_LATER },
  ),
);

interface Tab {
  browser: FakeBrowser;
  stream: QuoteStreamHandle;
  shown: number[];
  phase: string;
}

type TabDeed = 'close' | 'crash' | 'freeze' | 'thaw' | 'hide' | 'show' | 'wake';
type Deed =
  | { kind: 'open'; request: number }
  | { kind: 'tab'; deed: TabDeed; tab: number }
  | { kind: 'advance'; pod: number; steps: number }
  | { kind: 'network'; network: Network }
  | { kind: 'cut' | 'replacePods' };

const tabDeed = fc.record({
  kind: fc.constant('tab' as const),
  deed: fc.constantFrom<TabDeed[]>('close', 'crash', 'freeze', 'thaw', 'hide', 'show', 'wake'),
  tab: fc.nat(TABS_MAX - 1),
});
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open' as const), request: fc.nat(REQUESTS.length - 1) }) },
  { weight: 4, arbitrary: tabDeed },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), pod: fc.nat(2), steps: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('network' as const),
      network: fc.constantFrom<Network[]>('good', 'refuses streams', 'mutes streams', 'drains', 'away'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'replacePods' as const) }) },
);
const schedule = fc.array(fc.record({ deed, pauseMs: fc.integer({ min: 0, max: 12_000 }) }), { minLength: 5, maxLength: 40 });

const world = (seed: number) => {
  let state = seed | 1;
  // xorshift32: the jitter and the choice of pods are repeated with the seed.
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const origin = new FakeOrigin(Date.parse(ACCEPTED_AT));
  const servers = new Map(REQUESTS.map((id) => [id, new FakeServer(origin, HISTORY, random)]));
  const tabs: Tab[] = [];
  const open = (request: number): void => {
    const id = REQUESTS[request]!;
    const browser = origin.openTab();
    browser.random = random;
    servers.get(id)!.serve(browser);
    const tab: Tab = { browser, shown: [], phase: '', stream: undefined as never };
    tab.stream = openQuoteStream({ requestId: id }, ({ body, phase }) => {
      tab.phase = phase;
      const at = body?.quotes[0]?.premium_kopecks;
      if (at !== undefined) tab.shown.push(at);
    }, browser);
    tabs.push(tab);
  };
  return { origin, servers: [...servers.values()], tabs, open };
};

type World = ReturnType<typeof world>;

const perform = ({ servers, tabs, open }: World, act: Deed): void => {
  switch (act.kind) {
    case 'open':
      if (tabs.length < TABS_MAX) open(act.request);
      return;
    case 'advance':
      for (const server of servers) server.advance(act.pod, act.steps);
      return;
    case 'network':
      for (const server of servers) server.network = act.network;
      return;
    case 'cut':
    case 'replacePods':
      for (const server of servers) server[act.kind]();
      return;
    case 'tab':
      performOn(tabs, act);
  }
};

const performOn = (tabs: Tab[], { deed: kind, tab: at }: Extract<Deed, { tab: number }>): void => {
  const tab = tabs[at % Math.max(tabs.length, 1)];
  if (tab === undefined) return;
  if (kind === 'close') tab.stream.close();
  if (kind === 'crash') tab.browser.crash();
  if (kind === 'freeze') tab.browser.freeze();
  if (kind === 'thaw') tab.browser.thaw();
  if (kind === 'hide' || kind === 'show' || kind === 'wake') tab.browser.emit(kind);
  if (kind === 'close' || kind === 'crash') tabs.splice(tabs.indexOf(tab), 1);
};

const checkBounds = ({ origin, servers, tabs }: World): void => {
  const streams = origin.tabs.reduce((sum, { streamsOpen }) => sum + streamsOpen, 0);
  expect(streams).toBeLessThanOrEqual(STREAMS_MAX);
  for (const { shown } of tabs) expect(shown).toEqual([...shown].sort((a, b) => a - b));
  for (const { requestsAtMs } of servers) {
    for (const times of requestsAtMs.values()) {
      const lately = times.filter((atMs) => atMs > origin.nowMs - 60_000);
      expect(lately.length).toBeLessThanOrEqual(REQUESTS_A_MINUTE_MAX);
    }
  }
};

test('every open tab ends with all there is, none ever shows less, streams and requests are bounded', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, fc.integer({ min: 1 }), async (deeds, seed) => {
      const all = world(seed);
      for (const at of REQUESTS.keys()) all.open(at);
      for (const { deed: act, pauseMs } of deeds) {
        perform(all, act);
        await all.origin.pass(pauseMs);
        checkBounds(all);
      }
      // Some sleep on for ever, with all that they hold.
      for (const { browser } of all.tabs.filter((_, at) => at % 3 > 0)) {
        browser.thaw();
        browser.emit('show');
      }
      const awake = all.tabs.filter(({ browser }) => !browser.isFrozen);
      for (const { browser } of awake) browser.emit('show');
      for (const stepsLeft of [1, 0]) {
        for (const server of all.servers) server.finish(stepsLeft);
        await all.origin.pass(60_000);
        checkBounds(all);
      }
      await all.origin.pass(300_000);
      for (const { shown, phase } of awake) {
        expect(shown.at(-1)).toBe(STEPS - 1);
        expect(phase).toBe('ended');
      }
      if (awake.length === all.tabs.length) expect(all.origin.held.size).toBe(0);
    }),
    { numRuns: 150, seed: 20261121 },
  );
}, 60_000);
