import { describe, expect, it } from '@jest/globals';
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
