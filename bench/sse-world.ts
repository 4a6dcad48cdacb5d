/** What all servers of bench:sse show: requests with ten insurers, and quotes of some 700 bytes. */
import { Access } from '../apps/core-app/src/access.ts';
import type { SubmittedEvent } from '../apps/core-app/src/request-store.ts';
import type { LegEvent, PublishedStatus, QuotesBody } from '@osago/contracts';
import { fold, isVisible, legEvent, type RequestState, view } from '@osago/quotes';

export const PARTITION = 3;
export const EPOCH = 'e1';
const PANEL_SIZE = 10;
/** Beyond the end of any run. */
const DEADLINE_MS = 3_600_000;
const acceptedAtMs = Date.now();
const deadline_at = new Date(acceptedAtMs + DEADLINE_MS).toISOString();

const insurerOf = (at: number): { insurer_id: string; name: string } => ({ insurer_id: `insurer-${at}`, name: `Страховая ${at}` });
const panel = Array.from({ length: PANEL_SIZE }, (_, at) => ({ ...insurerOf(at), deadline_at }));

export const ACCESS_KEY = Buffer.alloc(32, 1);
export const access = new Access(new Map([['k1', ACCESS_KEY]]));
export const requestIdOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

export const submittedOf = (n: number): SubmittedEvent => ({
  specversion: '1.0',
  id: `${requestIdOf(n)}:r1`,
  source: '/bench',
  type: 'osago.request.submitted.v1',
  subject: requestIdOf(n),
  time: new Date(acceptedAtMs).toISOString(),
  datacontenttype: 'application/json',
  data: {
    request_id: requestIdOf(n),
    revision: 1,
    accepted_at: new Date(acceptedAtMs).toISOString(),
    deadline_at,
    panel,
    tariff: {
      category: 'B', power_hp: 98, year: 2019, purpose: 'personal', region: '77', months: 12,
      policy_start_date: '2026-11-25', unlimited_drivers: true, drivers: [],
    },
    application_sealed: 'sealed',
  },
});

export interface LegAt {
  n: number;
  /** Position in the panel. */
  at: number;
  attempt: number;
  status: PublishedStatus;
  /** Any whole number: how a reader finds the event again. */
  stamp: number;
  /** Of the reason's text, which makes an event as large as it is needed. */
  padding?: string;
}

const members = ({ stamp, padding }: LegAt) => ({
  answered_at: deadline_at,
  valid_until: deadline_at,
  premium_kopecks: stamp,
  total_kopecks: stamp + 90_000,
  base_rate_kopecks: 443_000,
  coefficients: { kt: 1.8, kbm: 0.57, kvs: 0.93, ko: 1, km: 1.1, ks: 1 },
  extras: [
    { name: 'Защита от травм', premium_kopecks: 90_000, mandatory: false },
    { name: 'Помощь на дороге', premium_kopecks: 120_000, mandatory: false },
  ],
  pool: false,
  ...(padding !== undefined && { reason: { code: 'padding', message: padding } }),
});

export const legOf = (leg: LegAt): LegEvent =>
  legEvent(
    { request_id: requestIdOf(leg.n), ...insurerOf(leg.at), attempt: leg.attempt, fence: 1, step: leg.status === 'quoted' ? 2 : 1, deadline_at, late: false },
    leg.status,
    members(leg),
    acceptedAtMs,
  );

/**
 * The k-th delivery goes round all streams, and in each round the legs: quotes that come together are of several legs, so
 * that none is replaced before it is sent. A leg is estimated, then quoted, then asked again.
 */
export const deliveryOf = (k: number, streams: number, stamp: number): LegAt => {
  const round = Math.floor(k / streams);
  return {
    n: k % streams,
    at: 1 + (round % (PANEL_SIZE - 1)),
    attempt: 1 + Math.floor(round / 2 / (PANEL_SIZE - 1)),
    status: Math.floor(round / (PANEL_SIZE - 1)) % 2 === 0 ? 'estimated' : 'quoted',
    stamp,
  };
};

/** The events of a request of which so many of ten insurers have answered. */
export const historyOf = (n: number, quoted: number): LegEvent[] =>
  Array.from({ length: quoted }, (_, at) => legOf({ n, at: PANEL_SIZE - 1 - at, attempt: 1, status: 'quoted', stamp: 450_000 }));

export const bodyOf = (n: number, quoted: number): QuotesBody => {
  const events = [submittedOf(n), ...historyOf(n, quoted)];
  const state = events.reduce<RequestState | undefined>((held, event) => fold(held, event), undefined);
  if (state === undefined || !isVisible(state)) throw new Error('nothing to show');
  return { ...view(state, acceptedAtMs), cursor: cursorOfStep(n, 0) };
};

/** As long as a real one. */
export const cursorOfStep = (n: number, step: number): string =>
  `1_${EPOCH}_${requestIdOf(n)}_${PARTITION}_0_${step}_-1_1_o`;
