import { describe, expect, it } from '@jest/globals';
import { partitionFor } from '@osago/event-bus';
import { fold, isVisible, type RequestState, view } from '@osago/quotes';
import { at, givenLog, OTHER_ID, PARTITIONS, REQUEST_ID, writeWholeRequest } from './replay-given.ts';
import { byTime, decodeRecord } from './logged-event.ts';
import { requestAt } from './request-at.ts';
import { readRequest } from './request-log.ts';

const home = partitionFor(REQUEST_ID, PARTITIONS);
const setup = () => {
  const log = givenLog();
  writeWholeRequest(log, REQUEST_ID, home);
  writeWholeRequest(log, OTHER_ID, (home + 1) % PARTITIONS);
  const deps = { ...log, findPlace: () => Promise.resolve(undefined) };
  return { log, deps };
};

describe('a request at a past moment', () => {
  it('is what fold and view gave a reader of the stream at that moment', async () => {
    const { log, deps } = setup();
    const { events } = await readRequest(deps, REQUEST_ID, { fromMs: 0 });
    const decoded = log.records().map(decodeRecord).flatMap((each) => (each.ok ? [each.logged] : []));
    const ours = decoded.filter(({ event }) => event.data.request_id === REQUEST_ID).sort(byTime);
    for (const afterMs of [0, 10, 199, 200, 2_009, 2_010, 3_010, 60_009, 60_010, 60_999, 61_000, 500_000]) {
      let state: RequestState | undefined;
      for (const { event, offset, timestampMs } of ours) if (timestampMs <= at(afterMs)) state = fold(state, event, Number(offset));
      const shown = isVisible(state) ? { kind: 'shown', view: view(state, at(afterMs)) } : { kind: 'not-shown' };
      expect(requestAt(events, at(afterMs))).toEqual(shown);
    }
  });

  it('was not shown before it was on the log, and ends by the clock where nothing came', async () => {
    const { deps } = setup();
    const { events } = await readRequest(deps, REQUEST_ID, { fromMs: 0, toMs: at(3_500) });
    expect(requestAt(events, at(9))).toEqual({ kind: 'not-shown' });
    expect(requestAt(events, at(3_500))).toMatchObject({ view: { status: 'in_progress', progress: { answered: 2 } } });
    expect(requestAt(events, at(61_000))).toMatchObject({ view: { status: 'partial', progress: { answered: 3 } } });
  });
});

describe('reading one request', () => {
  it('reads one partition number only', async () => {
    const { log, deps } = setup();
    const { events, partition, recordsRead } = await readRequest(deps, REQUEST_ID, { fromMs: 0 });
    expect(partition).toBe(home);
    expect(events).toHaveLength(7);
    expect(recordsRead).toBe(7);
    expect(new Set(log.reader.handedOver.map((record) => record.partition))).toEqual(new Set([home]));
  });

  it('lives where the database says, and is not looked for before it was accepted', async () => {
    const { log, deps } = setup();
    const place = { partition: (home + 1) % PARTITIONS, acceptedAtMs: at(62_500) };
    const found = await readRequest({ ...deps, findPlace: () => Promise.resolve(place) }, OTHER_ID, { fromMs: 0 });
    expect(found.partition).toBe(place.partition);
    // A minute before it was accepted: the clocks of database and broker may differ.
    expect(log.reader.handedOver.every(({ timestampMs }) => timestampMs >= at(2_500))).toBe(true);
    expect(found.events.map(({ event }) => event.type)).toEqual(['osago.quote.declined.v1', 'osago.error.timed-out.v1']);
  });
});
