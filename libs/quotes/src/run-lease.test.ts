import { describe, expect, test } from '@jest/globals';
import { type AskedLeg, decideAsOwner, LEASE_MS, type Look, mayDrive, openLegs, OWNER_LOOK_MS } from './run-lease.ts';
import type { LegRun } from './run-state.ts';
import { at, DEADLINE_MS, REQUEST_ID } from './simulation-events.ts';
import { acked, cancel, type Happening, legOf, reply, run, runAfter, says, tick } from './simulation-given.ts';

const alpha: AskedLeg = { insurer_id: 'alpha', name: 'ALPHA', attempt: 1, revision: 1, deadlineAtMs: at(DEADLINE_MS) };
const posted = tick(0);
const legsAfter = (...history: Happening[]): Map<string, LegRun> => {
  const held = runAfter(run('alpha'), ...history);
  return new Map([['alpha', legOf(held, 'alpha')]]);
};

describe('a leg that a record asked for is open', () => {
  const isOpen = (legs: ReadonlyMap<string, LegRun> | undefined, cancels: { revision: number; atMs: number }[] = []): boolean =>
    openLegs([alpha], legs, cancels).length === 1;

  test('until its outcome is acknowledged', () => {
    expect(isOpen(legsAfter(posted))).toBe(true);
    expect(isOpen(legsAfter(posted, reply('alpha', 900, says.quoted)))).toBe(true);
    expect(isOpen(legsAfter(posted, reply('alpha', 900, says.quoted), acked('alpha', 910)))).toBe(false);
  });

  test('while nothing is known of the run', () => {
    expect(isOpen(undefined)).toBe(true);
    expect(isOpen(new Map())).toBe(true);
  });

  test('until the insurer is asked again', () => {
    const [leg] = legsAfter(posted).values();
    expect(isOpen(new Map([['alpha', { ...leg!, attempt: 2 }]]))).toBe(false);
  });

  test('until a cancel ends it, whether or not the run knows of it; an answer keeps it open', () => {
    const cancels = [{ revision: 2, atMs: at(5_000) }];
    expect(isOpen(legsAfter(posted, cancel(5_000)))).toBe(false);
    expect(isOpen(legsAfter(posted), cancels)).toBe(false);
    expect(isOpen(undefined, cancels)).toBe(false);
    expect(isOpen(legsAfter(posted, reply('alpha', 900, says.quoted)), cancels)).toBe(true);
  });

  test('whatever a cancel says that is older, or came when its time was over', () => {
    expect(isOpen(undefined, [{ revision: 1, atMs: at(5_000) }])).toBe(true);
    expect(isOpen(undefined, [{ revision: 2, atMs: at(DEADLINE_MS + 1_000) }])).toBe(true);
    expect(isOpen(undefined, [{ revision: 2, atMs: at(DEADLINE_MS + 999) }])).toBe(false);
  });
});

describe('the owner of a partition', () => {
  const decides = (look: Look | undefined, afterMs: number, awayForMs = 0) =>
    decideAsOwner({ requestId: REQUEST_ID, open: [alpha], look }, { nowMs: at(afterMs), awayForMs });
  const drivenBy = (who: Look['drivenBy'], legs = legsAfter(posted)): Look => ({ drivenBy: who, legs });

  test('drives what nobody drives', () => {
    expect(decides(drivenBy('nobody'), 5_000)).toEqual({ kind: 'drive' });
  });

  test('looks after what another pod drives, and waits for its own run', () => {
    expect(decides(drivenBy('another pod'), 5_000)).toEqual({ kind: 'wait', untilMs: at(5_000 + OWNER_LOOK_MS) });
    expect(decides(drivenBy('this pod'), 5_000)).toEqual({ kind: 'wait', untilMs: at(DEADLINE_MS + 2_000) });
  });

  test('without Redis waits until every lease is over, and drives then', () => {
    expect(decides(undefined, 5_000, LEASE_MS - 200)).toEqual({ kind: 'wait', untilMs: at(5_200) });
    expect(decides(undefined, 5_000, LEASE_MS)).toEqual({ kind: 'drive' });
  });

  test('ends what nobody drives at the deadline, and what somebody drives two seconds later: fence 0', () => {
    const timeout = { kind: 'end', legs: [alpha], events: [{ id: `${REQUEST_ID}:alpha:a1:f0:s0`, data: { status: 'timeout' } }] };
    expect(decides(drivenBy('nobody'), DEADLINE_MS)).toMatchObject(timeout);
    expect(decides(drivenBy('another pod'), DEADLINE_MS + 1_999)).toMatchObject({ kind: 'wait' });
    expect(decides(drivenBy('another pod'), DEADLINE_MS + 2_000)).toMatchObject(timeout);
    expect(decides(undefined, DEADLINE_MS, LEASE_MS)).toMatchObject(timeout);
  });

  test('publishes a stored outcome under its own id, unless this pod is doing so', () => {
    const legs = legsAfter(posted, reply('alpha', 900, says.quoted));
    const { event } = legs.get('alpha')!.outcome!;
    expect(decides(drivenBy('nobody', legs), DEADLINE_MS)).toMatchObject({ kind: 'end', events: [event] });
    expect(decides(drivenBy('another pod', legs), DEADLINE_MS + 2_000)).toMatchObject({ kind: 'end', events: [event] });
    expect(decides(drivenBy('this pod', legs), DEADLINE_MS + 2_000)).toMatchObject({ kind: 'wait' });
  });
});

describe('a pod drives on', () => {
  const drives = (facts: Partial<Parameters<typeof mayDrive>[0]>): boolean =>
    mayDrive({ leaseUntilMs: 100, isOwner: false, isFinished: false, ...facts }, 100);

  test('under its lease, as the owner of the partition, or to wait for late answers', () => {
    expect([drives({ leaseUntilMs: 101 }), drives({ isOwner: true }), drives({ isFinished: true })]).toEqual([true, true, true]);
  });

  test('and not any more when its lease is over and the partition is another pod\'s', () => {
    expect(drives({})).toBe(false);
  });
});
