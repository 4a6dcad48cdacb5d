/** How a pod stands to a reader: what waits for the feed, and what is met from Postgres. */
import { describe, expect, test } from '@jest/globals';
import { type OsagoEvent } from '@osago/contracts';
import { encodeCursor, type Offsets } from '@osago/quotes';
import { PostgresAwayError } from './postgres-away.ts';
import { QuotesBodies } from './quotes-body.ts';
import { BEHIND_WAIT_MS, type Standing, standingTo } from './resume.ts';
import { Showcase, type Shown } from './showcase.ts';
import { leg, PARTITION, rememberingLog, REQUEST_ID, submitted, TestClock, timestamp, turn } from './testing-events.ts';

const asked = submitted({ alpha: 60_000 });
const cancelled: OsagoEvent = {
  ...asked,
  id: `${REQUEST_ID}:r2`,
  type: 'osago.request.cancelled.v1',
  time: timestamp(1_000),
  data: { request_id: REQUEST_ID, revision: 2 },
};

const setup = () => {
  const clock = new TestClock();
  const showcase = new Showcase();
  showcase.apply(asked, PARTITION, 0);
  /** What Postgres knows; an error while it is away. */
  const postgres: { known: { events: OsagoEvent[]; offsets: Offsets } | Error; asked: number } = {
    known: { events: [asked], offsets: [0, -1, -1] },
    asked: 0,
  };
  const reader = {
    read: (requestId: string): Promise<Shown | undefined> => {
      postgres.asked += 1;
      if (postgres.known instanceof Error) return Promise.reject(postgres.known);
      showcase.load(postgres.known.events, PARTITION, postgres.known.offsets);
      return Promise.resolve(showcase.get(requestId));
    },
  };
  const bus = { endOffsets: () => Promise.resolve([9n, 9n, 9n, 9n]) };
  const bodies = new QuotesBodies({ epoch: { epoch: 'e1' }, feed: { isStale: () => false }, clock });
  const stand = (revision: number, offsets: Offsets = [0, -1, -1]): Promise<Standing> => {
    const cursor = encodeCursor({ epoch: 'e1', request_id: REQUEST_ID, partition: PARTITION, offsets, revision, end: false });
    return standingTo({ bus, bodies, clock, log: rememberingLog(), reader, showcase }, REQUEST_ID, cursor, new AbortController().signal);
  };
  /** The two seconds are over at the next change. */
  const giveUp = async (): Promise<void> => {
    await turn();
    clock.advance(BEHIND_WAIT_MS);
    showcase.apply(leg('nobody', 'submitted'), PARTITION);
  };
  return { giveUp, postgres, showcase, stand };
};

describe('the revision of a reader', () => {
  test('is met from Postgres at once, before the command is on the log', async () => {
    const { postgres, showcase, stand } = setup();
    postgres.known = { events: [asked, cancelled], offsets: [0, -1, -1] };
    expect((await stand(2)).kind).toBe('seen');
    expect(showcase.get(REQUEST_ID)?.state).toMatchObject({ revision: 2, offsets: [0, -1, -1], cancels: [{ revision: 2 }] });
  });

  test('asks nobody when this pod has it', async () => {
    const { postgres, stand } = setup();
    expect((await stand(1)).kind).toBe('seen');
    expect(postgres.asked).toBe(0);
  });

  test('that no command has ever had counts as none, without a wait', async () => {
    const { postgres, stand } = setup();
    expect(await stand(7)).toEqual({ kind: 'none' });
    expect(postgres.asked).toBe(1);
  });

  test('is waited for while Postgres is away, and what the feed brings has to do', async () => {
    const { postgres, showcase, stand } = setup();
    postgres.known = new PostgresAwayError('away');
    const standing = stand(2);
    await turn();
    showcase.apply(cancelled, PARTITION, 1);
    expect((await standing).kind).toBe('seen');
  });

  test('that nobody can be asked for leaves this pod behind', async () => {
    const { giveUp, postgres, stand } = setup();
    postgres.known = new PostgresAwayError('away');
    const standing = stand(2);
    await giveUp();
    expect((await standing).kind).toBe('behind');
  });

  test('is no excuse for a fault of ours', async () => {
    const { postgres, stand } = setup();
    postgres.known = new Error('a fault');
    await expect(stand(2)).rejects.toThrow('a fault');
  });
});

describe('the offsets of a reader', () => {
  test('wait for the feed, and are then looked for in the archive: the feed does not come back to an old request', async () => {
    const { giveUp, postgres, showcase, stand } = setup();
    const standing = stand(1, [0, 5, -1]);
    postgres.known = { events: [asked, leg('alpha', 'quoted')], offsets: [0, 5, -1] };
    await turn();
    expect(postgres.asked).toBe(0);
    await giveUp();
    expect((await standing).kind).toBe('seen');
    expect(showcase.get(REQUEST_ID)?.state.legs).toMatchObject({ alpha: { status: 'quoted' } });
  });

  test('that neither has leave this pod behind', async () => {
    const { giveUp, stand } = setup();
    const standing = stand(1, [0, 5, -1]);
    await giveUp();
    expect((await standing).kind).toBe('behind');
  });

  test('beyond the end of the log count as none', async () => {
    const { giveUp, stand } = setup();
    const standing = stand(1, [0, 9, -1]);
    await giveUp();
    expect(await standing).toEqual({ kind: 'none' });
  });
});
