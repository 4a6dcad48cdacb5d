/**
 * Insurers while everything runs: what operators changed, and how each insurer is. The aggregator writes both to Redis,
 * each a hash with one field an insurer (its id) that holds JSON; core-app reads the state for `GET /insurers`.
 */
import { type Static, Type } from '@sinclair/typebox';
import { InsurerId, Timestamp } from './formats.ts';
import { InsurerLimits } from './insurers-file.ts';

/** A hash: `<insurer_id>` → {@link InsurerControl}, `history:<insurer_id>` → {@link InsurerHistory}. */
export const INSURER_CONTROL_KEY = 'osago:{insurers}:control';
/** A hash: `<insurer_id>` → {@link InsurerState}, written every second by every pod of the aggregator. */
export const INSURER_STATE_KEY = 'osago:{insurers}:state';
/** A state older than this says nothing any more: the insurer is `unknown`. */
export const INSURER_STATE_STALE_MS = 10_000;
/** Changes of one insurer that are remembered; older ones are in the log. */
export const INSURER_HISTORY_MAX = 50;

export const BreakerMode = Type.Union([Type.Literal('auto'), Type.Literal('open'), Type.Literal('closed')]);
export type BreakerMode = Static<typeof BreakerMode>;

/** Who, when and why. */
const authored = {
  by: Type.String({ minLength: 1, maxLength: 80, pattern: '\\S', description: 'Who changes it' }),
  reason: Type.String({ minLength: 1, maxLength: 300, pattern: '\\S', description: 'Why' }),
};
const strict = { additionalProperties: false } as const;

/** `limits: null` goes back to those of the insurers file. */
const change = {
  paused: Type.Optional(Type.Boolean({ description: 'No new application is sent; answers to earlier ones are fetched' })),
  limits: Type.Optional(Type.Union([Type.Partial(InsurerLimits, strict), Type.Null()])),
  breaker: Type.Optional(BreakerMode),
};

/** The body of `POST /insurers/{insurer_id}/changes` on the private port: at least one change. */
export const InsurerChange = Type.Object({ ...change, ...authored }, { ...strict, $id: 'InsurerChange' });
export type InsurerChange = Static<typeof InsurerChange>;

/** All changes of an insurer together. */
export const InsurerControl = Type.Object({
  paused: Type.Boolean(),
  limits: Type.Partial(InsurerLimits),
  breaker: BreakerMode,
});
export type InsurerControl = Static<typeof InsurerControl>;

export const InsurerHistory = Type.Array(Type.Object({ ...change, ...authored, at: Timestamp }), {
  maxItems: INSURER_HISTORY_MAX,
  description: 'The newest first',
});
export type InsurerHistory = Static<typeof InsurerHistory>;

export const InsurerState = Type.Object(
  {
    insurer_id: InsurerId,
    state: Type.Union(
      [Type.Literal('up'), Type.Literal('degraded'), Type.Literal('paused'), Type.Literal('unknown')],
      { description: 'degraded: its breaker is not closed, or it asked us to wait; unknown: it was not asked lately' },
    ),
    breaker: Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('half_open')]),
    breaker_mode: BreakerMode,
    limits: InsurerLimits,
    held_until: Type.Optional(Timestamp),
    last_answer_at: Type.Optional(Timestamp),
    pods: Type.Integer({ minimum: 1 }),
    at: Timestamp,
  },
  { $id: 'InsurerState' },
);
export type InsurerState = Static<typeof InsurerState>;
