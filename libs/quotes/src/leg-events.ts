/** Builds what the aggregator publishes of a leg. Every event carries the whole leg. */
import {
  type InsurerQuote,
  isFinal,
  type Leg,
  LEG_EVENT_TYPES,
  type LegEvent,
  legEventId,
  legKey,
  type PanelMember,
  type PublishedStatus,
  type Quote,
  type RequestSubmitted,
} from '@osago/contracts';

export const AGGREGATOR_SOURCE = '/osago/osago-aggregator';

/** The members of a quote that an answer brings. */
export type AnswerMembers = Partial<
  Omit<Quote, 'insurer_id' | 'name' | 'status' | 'final' | 'late' | 'attempt' | 'deadline_at'>
>;

export type LegIdentity = Pick<
  Leg,
  'request_id' | 'insurer_id' | 'name' | 'attempt' | 'fence' | 'step' | 'deadline_at' | 'late'
>;

export const legEvent = (
  identity: LegIdentity,
  status: PublishedStatus,
  members: AnswerMembers,
  atMs: number,
): LegEvent => {
  const { request_id, insurer_id, name, late, attempt, fence, step, deadline_at } = identity;
  // In the order of an element of `quotes`, so that it reads the same from the log, the archive and the clock.
  const data: Leg = {
    request_id,
    insurer_id,
    name,
    status,
    final: isFinal(status),
    late,
    attempt,
    fence,
    step,
    deadline_at,
    ...members,
  };
  const event = {
    specversion: '1.0',
    id: legEventId(data),
    source: AGGREGATOR_SOURCE,
    type: LEG_EVENT_TYPES[status],
    subject: legKey(data.request_id, data.insurer_id),
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    data,
  } as const;
  return event;
};

/** The price members of a quote, with what was estimated before; the total holds what the person cannot leave out. */
export const priceMembers = (quote: InsurerQuote, estimatedKopecks?: number): AnswerMembers => {
  const { premium_kopecks, base_rate_kopecks, coefficients, drivers, valid_until, extras, pool } = quote;
  const { prolongation, prolongation_from_other } = quote;
  const mandatory = (extras ?? []).filter((extra) => extra.mandatory);
  const total = mandatory.reduce((sum, extra) => sum + extra.premium_kopecks, premium_kopecks);
  return {
    premium_kopecks,
    total_kopecks: total,
    ...(base_rate_kopecks !== undefined && { base_rate_kopecks }),
    ...(coefficients !== undefined && { coefficients }),
    ...(drivers !== undefined && { drivers }),
    ...(estimatedKopecks !== undefined && { estimated_premium_kopecks: estimatedKopecks }),
    ...(valid_until !== undefined && { valid_until }),
    ...(extras !== undefined && { extras }),
    ...(pool !== undefined && { pool }),
    ...(prolongation !== undefined && { prolongation }),
    ...(prolongation_from_other !== undefined && { prolongation_from_other }),
  };
};

/**
 * What the partition owner publishes for a leg that nobody drives: fence 0 and a fixed id, so a repeat is a duplicate
 * and every outcome of a run stands above it. The deadline is that of the attempt.
 */
export const ownerTimeout = (
  { request_id }: Pick<RequestSubmitted, 'request_id'>,
  { insurer_id, name, deadline_at }: PanelMember,
  attempt = 1,
): LegEvent =>
  legEvent(
    { request_id, insurer_id, name, attempt, fence: 0, step: 0, deadline_at, late: false },
    'timeout',
    {},
    Date.parse(deadline_at),
  );
