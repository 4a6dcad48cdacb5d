import { describe, expect, test } from '@jest/globals';
import { BrokenServer } from './broken-server.ts';
import { brokenServerAdapter } from './broken-server-adapter.ts';
import type { Fault } from './broken-server-faults.ts';
import { CHECKS } from './checks/all.ts';
import type { Limits } from './context.ts';
import { type CheckResult, isConformant, runSuite } from './suite.ts';

/** A busy machine may hold back a good answer for seconds. */
const PATIENCE_MS = 30_000;
/** So long a test takes where what is waited for never comes. */
const VAIN_MS = 6_000;

/** What is waited for in vain, or nearly, when the server has the fault. */
const IN_VAIN: Partial<Record<Fault, Partial<Limits>>> = {
  'forgets blank lines': { promptMs: VAIN_MS, heartbeatMs: VAIN_MS },
  'sends the second event late': { promptMs: VAIN_MS },
  'heartbeats by comments': { heartbeatMs: VAIN_MS },
  'heartbeats with an id': { heartbeatMs: VAIN_MS },
  'heartbeats once': { promptMs: VAIN_MS, heartbeatMs: VAIN_MS, settleMs: VAIN_MS },
  'never answers HEAD': { promptMs: VAIN_MS },
  'believes foreign ids': { settleMs: VAIN_MS },
  'counts aborted streams': { settleMs: VAIN_MS },
  'starts live at a query': { settleMs: VAIN_MS },
  'has a replica behind': { settleMs: VAIN_MS },
  'reads before it subscribes': { settleMs: VAIN_MS },
  'waits for a slow reader': { promptMs: VAIN_MS },
};

const LIMITS: Partial<Limits> = {
  promptMs: PATIENCE_MS,
  heartbeatMs: PATIENCE_MS,
  settleMs: PATIENCE_MS,
  abortCycles: 60,
  changes: 15,
  floodBytes: 14_000_000,
};

const SLOW = ['slow-reader-others', 'slow-reader-cut'];

const results = async (fault?: Fault, skip: readonly string[] = []): Promise<CheckResult[]> => {
  const server = await BrokenServer.start(fault);
  const limits = { ...LIMITS, ...(fault && IN_VAIN[fault]) };
  try {
    return await runSuite({ url: server.url('any'), adapter: brokenServerAdapter(server), limits, skip });
  } finally {
    await server.close();
  }
};

/** One fault each, and the one check that is meant for it. */
const FAULTS: Record<Fault, string> = {
  'answers 503': 'status',
  'text/plain': 'content-type',
  'latin-1': 'content-type',
  'is cacheable': 'cache-control',
  'may be transformed': 'cache-control',
  'is buffered by nginx': 'accel-buffering',
  'keeps the connection': 'connection-close',
  compresses: 'content-encoding',
  'forgets blank lines': 'blank-lines',
  'ends lines with CR': 'line-ends',
  'mixes line ends': 'line-ends',
  'sends invalid UTF-8': 'utf-8',
  'breaks a character': 'utf-8',
  'sends an id with NUL': 'id-without-nul',
  'sends a BOM inside': 'byte-order-mark',
  'misspells a field': 'known-fields',
  'sends the second event late': 'second-event',
  'heartbeats by comments': 'heartbeat',
  'heartbeats with an id': 'heartbeat',
  'heartbeats once': 'heartbeat',
  'sends no retry': 'retry',
  'sends a fixed retry': 'retry-jitter',
  'never answers HEAD': 'head',
  'fails at HEAD': 'head',
  'fails at POST': 'post',
  'hides what it allows': 'post',
  'refuses ids by header': 'id-by-header',
  'refuses ids by query': 'id-by-query',
  'fails at garbage': 'garbage-id',
  'ends at garbage': 'garbage-id',
  'fails at long ids': 'long-id',
  'believes foreign ids': 'foreign-id',
  'keeps aborted streams': 'abort',
  'counts aborted streams': 'abort-frees',
  'leaves a gap at resume': 'resume-no-gap',
  'repeats at resume': 'resume-no-repeat',
  'starts live at a query': 'resume-by-query',
  'has a replica behind': 'resume-on-replica',
  'reads before it subscribes': 'linear-history',
  'ends without a word': 'terminal-event',
  'destroys at the end': 'terminal-event',
  'never says 204': 'terminal-204',
  'says 204 to newcomers': 'terminal-204',
  'never cuts a slow reader': 'slow-reader-cut',
  'waits for a slow reader': 'slow-reader-others',
  'sheds with 503': 'shedding',
  'sheds with a short retry': 'shedding',
  'destroys at drain': 'drain',
  'says no retry at drain': 'drain',
  'drains with one retry': 'drain',
  'refuses newcomers at drain': 'drain',
};

describe('the suite', () => {
  test('passes a server that does all right, with every check offered', async () => {
    const all = await results();
    expect(all.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(all.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    expect(isConformant(all)).toBe(true);
  });

  test('has for every check a server that fails it', () => {
    expect([...new Set(Object.values(FAULTS))].sort()).toEqual(CHECKS.map(({ name }) => name).sort());
  });

  // The flood is long: it runs where it is what is checked.
  test.concurrent.each(Object.entries(FAULTS) as [Fault, string][])(
    'fails a server that %s by the check %s alone',
    async (fault, check) => {
      const all = await results(fault, SLOW.includes(check) ? [] : SLOW);
      expect(all.filter(({ outcome }) => outcome === 'failed')).toEqual([expect.objectContaining({ name: check })]);
      expect(isConformant(all)).toBe(false);
    },
    4 * PATIENCE_MS,
  );
});
