/** Bodies of the calls that change a request after its POST, repeat it, or look at what stands around it (design §4). */
import { type Static, Type } from '@sinclair/typebox';
import { InsurerId, Timestamp, Uuid } from './formats.ts';
import { RequestStatus } from './quote.ts';

const strict = { additionalProperties: false } as const;

/**
 * JSON Pointers into the application, each to the value that is set there. Objects that are missing are made, `-` appends
 * to a list. The whole is checked again, so a fault points into the application.
 */
export const ApplicationChanges = Type.Record(Type.String({ maxLength: 200 }), Type.Unknown(), { maxProperties: 50 });
export type ApplicationChanges = Static<typeof ApplicationChanges>;

/** The body of `POST …/quotes/{insurer_id}/retry`. */
export const RetryBody = Type.Object(
  {
    /** The one that the person has seen. */
    attempt: Type.Integer({ minimum: 1, maximum: 1_000 }),
    changes: Type.Optional(ApplicationChanges),
  },
  { ...strict, $id: 'RetryBody' },
);
export type RetryBody = Static<typeof RetryBody>;

export const RetryReply = Type.Object(
  {
    attempt: Type.Integer(),
    deadline_at: Timestamp,
    revision: Type.Integer(),
    cursor: Type.String(),
  },
  { $id: 'RetryReply' },
);
export type RetryReply = Static<typeof RetryReply>;

/** The answer of `DELETE /requests/{request_id}`. */
export const CancelReply = Type.Object({ revision: Type.Integer(), cursor: Type.String() }, { $id: 'CancelReply' });
export type CancelReply = Static<typeof CancelReply>;

/** A body of `POST /requests` that repeats a past request of the caller. */
export const RepeatRequestBody = Type.Object(
  {
    /** For it the caller has the owner's cookie or the request's token. */
    based_on: Uuid,
    changes: Type.Optional(ApplicationChanges),
    request_id: Type.Optional(Uuid),
  },
  { ...strict, $id: 'RepeatRequestBody' },
);
export type RepeatRequestBody = Static<typeof RepeatRequestBody>;

/** The answer of `GET /requests/{request_id}`. */
export const RequestReply = Type.Object(
  {
    request_id: Uuid,
    revision: Type.Integer(),
    status: RequestStatus,
    accepted_at: Timestamp,
    deadline_at: Timestamp,
    /** With the changes of the last retry; what names a person or a vehicle is masked. */
    application: Type.Record(Type.String(), Type.Unknown()),
    links: Type.Object({ self: Type.String(), stream: Type.String(), quotes: Type.String() }),
  },
  { $id: 'RequestReply' },
);
export type RequestReply = Static<typeof RequestReply>;

/** The answer of `GET /insurers`, in the order of the panel. */
export const InsurersReply = Type.Object(
  {
    insurers: Type.Array(
      Type.Object({
        insurer_id: InsurerId,
        name: Type.String(),
        state: Type.Union(
          [Type.Literal('up'), Type.Literal('degraded'), Type.Literal('paused'), Type.Literal('unknown')],
        ),
      }),
    ),
  },
  { $id: 'InsurersReply' },
);
export type InsurersReply = Static<typeof InsurersReply>;
