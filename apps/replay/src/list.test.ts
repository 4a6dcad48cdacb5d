import { describe, expect, it } from '@jest/globals';
import type { OsagoEvent } from '@osago/contracts';
import type { Filters } from './arguments.ts';
import { listLine, type ListedRequest, type ListOptions, listRequests } from './list.ts';
import { at, givenLog, leg, OTHER_ID, REQUEST_ID, submitted, writeWholeRequest } from './replay-given.ts';

const setup = () => {
  const log = givenLog();
  writeWholeRequest(log);
  log.write(70_000, submitted(['alfa', 'delta'], { id: OTHER_ID, afterMs: 70_000 }), 2);
  log.write(72_000, leg('delta', 'quoted', { id: OTHER_ID, afterMs: 71_000, deadlineMs: 130_000 }), 2);
  log.reader.handedOver.length = 0;
  const list = async (options: Partial<ListOptions> = {}): Promise<ListedRequest[]> => {
    const found: ListedRequest[] = [];
    await listRequests({ ...log, nowMs: at(80_000) }, { fromMs: 0, ...options }, (request) => found.push(request));
    return found;
  };
  return { log, list, ids: async (options: Partial<ListOptions>) => (await list(options)).map(({ view }) => view.request_id) };
};

describe('list', () => {
  it('shows each request with its status and place', async () => {
    const [first] = await setup().list();
    expect(listLine(first!)).toBe(`2026-11-21T09:00:00.000Z  ${REQUEST_ID}  partial      1@0  1 quoted, 1 declined, 1 timeout`);
  });

  it('takes a window of time, with the legs that came after it', async () => {
    const { list, ids } = setup();
    expect(await ids({ fromMs: at(60_000) })).toEqual([OTHER_ID]);
    expect(await list({ toMs: at(1_000) })).toMatchObject([{ view: { request_id: REQUEST_ID, status: 'partial' } }]);
  });

  it('goes by the time at which a request was accepted, whenever the broker wrote it', async () => {
    const { log, ids } = setup();
    const late = '1f0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';
    log.write(200_000, submitted(['alfa'], { id: late, afterMs: 90_000 }), 3);
    expect(await ids({ fromMs: at(80_000), toMs: at(100_000) })).toEqual([late]);
    expect(await ids({ fromMs: at(150_000) })).toEqual([]);
  });

  it('lets requests go slice by slice of a long window, each with all that came in a quarter of an hour, and each once', async () => {
    const log = givenLog();
    const written: [afterMs: number, event: OsagoEvent, partition: number][] = [];
    const expected: string[] = [];
    for (let number = 0; number < 40; number += 1) {
      const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      const of = { id, deadlineMs: number * 120_000 + 60_000 };
      const add = (afterMs: number, make: (afterMs: number) => OsagoEvent): void =>
        void written.push([number * 120_000 + afterMs, make(number * 120_000 + afterMs), number % 4]);
      add(0, (afterMs) => submitted(['alfa', 'beta'], { id, afterMs }));
      add(2_000, (afterMs) => leg('alfa', 'quoted', { ...of, afterMs }));
      add(60_000, (afterMs) => leg('beta', 'timeout', { ...of, afterMs }));
      // The last word comes between those on others.
      add(840_000, (afterMs) => leg('beta', 'quoted', { ...of, attempt: 2, afterMs, deadlineMs: afterMs + 1_000 }));
      expected.push(`${id} completed`);
    }
    for (const [afterMs, event, partition] of written.sort(([a], [b]) => a - b)) log.write(afterMs, event, partition);
    const list = async (sliceRecords: number): Promise<string[]> => {
      const found: string[] = [];
      await listRequests({ ...log, nowMs: at(9_000_000) }, { fromMs: 0, sliceRecords }, ({ view }) =>
        found.push(`${view.request_id} ${view.status}`),
      );
      return found;
    };
    expect((await list(1_000_000)).sort()).toEqual(expected);
    const reads = log.reader.handedOver.length;
    expect((await list(12)).sort()).toEqual(expected);
    expect(log.reader.handedOver.length - reads).toBe(reads);
  });

  it('does not give half a list when it is stopped', async () => {
    const { log } = setup();
    const stop = new AbortController();
    const ended: boolean[] = [];
    const progress = { ...log.progress, advance: () => stop.abort(), end: () => void ended.push(true) };
    const listing = listRequests({ ...log, progress, signal: stop.signal, nowMs: at(80_000) }, { fromMs: 0 }, () => undefined);
    await expect(listing).rejects.toThrow('stopped');
    expect(ended).toEqual([true]);
  });

  it('takes a span of offsets of one partition, and reads no other', async () => {
    const { log, ids } = setup();
    expect(await ids({ partition: 2, offsets: { from: 0n, to: 1n } })).toEqual([OTHER_ID]);
    expect(new Set(log.reader.handedOver.map(({ partition }) => partition))).toEqual(new Set([2]));
    expect(await ids({ partition: 2, offsets: { from: 1n, to: 9n } })).toEqual([]);
  });

  it.each<[Filters, string[]]>([
    [{ insurer: 'delta' }, [OTHER_ID]],
    [{ insurer: 'alfa' }, [REQUEST_ID, OTHER_ID]],
    [{ status: 'partial' }, [REQUEST_ID]],
    [{ status: 'in_progress' }, [OTHER_ID]],
    [{ status: 'timeout' }, [REQUEST_ID]],
    [{ status: 'quoted', insurer: 'delta' }, [OTHER_ID]],
    [{ status: 'quoted', insurer: 'beta' }, []],
    [{ status: 'cancelled' }, []],
  ])('filters by %j', async (filters, expected) => {
    expect(await setup().ids(filters)).toEqual(expected);
  });
});
