import { describe, expect, test } from '@jest/globals';
import {
  decodeEvent,
  encodeEvent,
  type InsurerQuote,
  isFinal,
  LEG_EVENT_TYPES,
  type LegEvent,
  type PublishedStatus,
  TOPICS,
  topicOf,
} from '@osago/contracts';
import fc from 'fast-check';
import { type AnswerMembers, legEvent, ownerTimeout, priceMembers } from './leg-events.ts';
import { compareLegEvents } from './leg-order.ts';
import { at, leg, panelOf, PUBLISHED_STATUSES, REQUEST_ID, submitted, timestamp } from './simulation-events.ts';

const identity = {
  request_id: REQUEST_ID,
  insurer_id: 'alpha',
  name: 'Альфа Страхование',
  attempt: 2,
  fence: 1_790_000_000_123,
  step: 5,
  deadline_at: timestamp(60_000),
  late: false,
};

const roundTrip = (event: LegEvent) => decodeEvent(encodeEvent(event));

/** Below the largest amount that fits on the wire, with room for the extras. */
const kopecks = fc.nat({ max: 100_000_000 });
const quotes: fc.Arbitrary<InsurerQuote> = fc.record(
  {
    premium_kopecks: kopecks,
    base_rate_kopecks: kopecks,
    coefficients: fc.constant({ kt: 1.8, kbm: 0.46, kvs: 0.83, ko: 1, km: 1.2, ks: 1 }),
    valid_until: fc.constant(timestamp(86_400_000)),
    extras: fc.array(
      fc.record({ name: fc.string({ maxLength: 120 }), premium_kopecks: kopecks, mandatory: fc.boolean() }),
      { maxLength: 5 },
    ),
    pool: fc.boolean(),
    prolongation: fc.boolean(),
  },
  { requiredKeys: ['premium_kopecks'] },
);

describe('an event of a leg', () => {
  test('carries the whole leg', () => {
    const members: AnswerMembers = {
      submitted_at: timestamp(700),
      answered_at: timestamp(2_000),
      ...priceMembers({ premium_kopecks: 812_300 }),
    };
    expect(legEvent(identity, 'quoted', members, at(2_000))).toEqual({
      specversion: '1.0',
      id: `${REQUEST_ID}:alpha:a2:f1790000000123:s5`,
      source: '/osago/osago-aggregator',
      type: 'osago.quote.quoted.v1',
      subject: `${REQUEST_ID}:alpha`,
      time: timestamp(2_000),
      datacontenttype: 'application/json',
      data: {
        ...identity,
        status: 'quoted',
        final: true,
        submitted_at: timestamp(700),
        answered_at: timestamp(2_000),
        premium_kopecks: 812_300,
        total_kopecks: 812_300,
      },
    });
  });

  test.each(PUBLISHED_STATUSES)('of status %s keeps its contract', (status) => {
    const event = legEvent(identity, status, { reason: { code: 'any' } }, at(0));
    expect(roundTrip(event)).toEqual({ ok: true, event });
    expect(event.type).toBe(LEG_EVENT_TYPES[status]);
    expect(event.data.final).toBe(isFinal(status));
  });

  test.each<[PublishedStatus, string]>([
    ['submitted', TOPICS.quotes],
    ['estimated', TOPICS.quotes],
    ['quoted', TOPICS.quotes],
    ['declined', TOPICS.quotes],
    ['needs_data', TOPICS.quotes],
    ['error', TOPICS.errors],
    ['timeout', TOPICS.errors],
    ['skipped', TOPICS.errors],
  ])('of status %s goes to %s', (status, topic) => {
    expect(topicOf(legEvent(identity, status, {}, at(0)).type)).toBe(topic);
  });

  test('has the same id when it is made again, and another for anything that orders it', () => {
    const id = (other: Partial<typeof identity>): string =>
      legEvent({ ...identity, ...other }, 'quoted', {}, at(0)).id;
    const ids = [
      id({}),
      id({ insurer_id: 'beta' }),
      id({ attempt: 25 }),
      id({ fence: 1 }),
      id({ step: 6 }),
      id({ request_id: '1b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(id({})).toBe(ids[0]);
  });

  test('keeps its contract with any price', () => {
    fc.assert(
      fc.property(quotes, (quote) => {
        const event = legEvent(identity, 'quoted', priceMembers(quote), at(2_000));
        expect(roundTrip(event)).toEqual({ ok: true, event });
      }),
    );
  });
});

describe('the price', () => {
  test('totals the premium and the extras that cannot be left out', () => {
    const extras = [
      { name: 'Юрист', premium_kopecks: 30_000, mandatory: true },
      { name: 'Эвакуатор', premium_kopecks: 70_000, mandatory: false },
      { name: 'Диагностика', premium_kopecks: 5_050, mandatory: true },
    ];
    expect(priceMembers({ premium_kopecks: 812_300, extras })).toEqual({
      premium_kopecks: 812_300,
      total_kopecks: 847_350,
      extras,
    });
  });

  test('is never below the premium, and above it only by mandatory extras', () => {
    fc.assert(
      fc.property(quotes, (quote) => {
        const { premium_kopecks, total_kopecks = 0 } = priceMembers(quote);
        const withoutMandatory = quote.extras?.every(({ mandatory, premium_kopecks: of }) => !mandatory || of === 0);
        expect(total_kopecks >= quote.premium_kopecks).toBe(true);
        expect(total_kopecks === premium_kopecks).toBe(withoutMandatory ?? true);
      }),
    );
  });

  test('leaves out what the insurer left out, and what is not the price', () => {
    const answer = { premium_kopecks: 1, application_id: 'a1' };
    expect(priceMembers(answer)).toEqual({
      premium_kopecks: 1,
      total_kopecks: 1,
    });
  });

  test('tells each driver’s part, and whether a former policy is prolonged', () => {
    const drivers = [{ driver: 0, kvs: 0.91, kbm: 0.46 }];
    expect(priceMembers({ premium_kopecks: 1, drivers, prolongation: false, prolongation_from_other: true })).toEqual({
      premium_kopecks: 1,
      total_kopecks: 1,
      drivers,
      prolongation: false,
      prolongation_from_other: true,
    });
  });
});

describe("the partition owner's timeout", () => {
  const [member] = panelOf({ alpha: 45_000 });
  const timeout = ownerTimeout(submitted({ alpha: 45_000 }).data, member!);

  test('is the same event whoever makes it, and keeps its contract', () => {
    expect(timeout).toMatchObject({
      id: `${REQUEST_ID}:alpha:a1:f0:s0`,
      time: timestamp(45_000),
      data: { status: 'timeout', final: true, late: false, deadline_at: timestamp(45_000) },
    });
    expect(ownerTimeout(submitted({ alpha: 45_000 }).data, member!)).toEqual(timeout);
    expect(roundTrip(timeout)).toEqual({ ok: true, event: timeout });
  });

  test('ends the attempt that was asked for', () => {
    const again = ownerTimeout(submitted({ alpha: 45_000 }).data, member!, 2);
    expect(again.id).toBe(`${REQUEST_ID}:alpha:a2:f0:s0`);
    expect(again.data.attempt).toBe(2);
  });

  test.each(PUBLISHED_STATUSES.filter(isFinal))('stands below %s of any run', (status) => {
    expect(compareLegEvents(leg('alpha', status, { fence: 1, step: 1 }), timeout)).toBeGreaterThan(0);
  });

  test.each(['submitted', 'estimated'] as const)('stands above %s of any run', (status) => {
    expect(compareLegEvents(leg('alpha', status, { fence: 9, step: 9 }), timeout)).toBeLessThan(0);
  });
});
