/** The standard insurer protocol (design §7a). Unknown members are ignored, missing or mistyped ones are `malformed`. */
import { type Static, Type } from '@sinclair/typebox';
import { Application } from './application.ts';
import { Kopecks, Timestamp, Uuid } from './formats.ts';
import { Coefficients, DriverCoefficients, Extra, Reason } from './quote.ts';

export const InsurerApplication = Type.Object(
  { request_id: Uuid, application: Application },
  { $id: 'InsurerApplication' },
);
export type InsurerApplication = Static<typeof InsurerApplication>;

export const InsurerQuote = Type.Object({
  premium_kopecks: Kopecks,
  base_rate_kopecks: Type.Optional(Kopecks),
  coefficients: Type.Optional(Coefficients),
  drivers: Type.Optional(Type.Array(DriverCoefficients, { maxItems: 10 })),
  valid_until: Type.Optional(Timestamp),
  extras: Type.Optional(Type.Array(Extra)),
  pool: Type.Optional(Type.Boolean()),
  prolongation: Type.Optional(Type.Boolean()),
  prolongation_from_other: Type.Optional(Type.Boolean()),
});
export type InsurerQuote = Static<typeof InsurerQuote>;

const ApplicationId = Type.String({ minLength: 1, maxLength: 200 });
const refusal = {
  reason: Type.Optional(Reason),
  missing_fields: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 })),
};

/** 201: asynchronous. */
export const ApplicationPending = Type.Object({
  application_id: ApplicationId,
  status: Type.Literal('pending'),
});
/** 200: answered at once. */
export const ApplicationReady = Type.Object({
  application_id: ApplicationId,
  status: Type.Literal('ready'),
  quote: InsurerQuote,
});
/** 422: refused at once. */
export const ApplicationRefused = Type.Object({
  status: Type.Union([Type.Literal('needs_data'), Type.Literal('declined')]),
  ...refusal,
});

/** `GET /quotes/{application_id}`, 200. `quote` is there when `ready` or `estimated`. */
export const InsurerAnswer = Type.Union(
  [
    Type.Object({ application_id: ApplicationId, status: Type.Literal('pending') }),
    Type.Object({
      application_id: ApplicationId,
      status: Type.Union([Type.Literal('estimated'), Type.Literal('ready')]),
      quote: InsurerQuote,
    }),
    Type.Object({
      application_id: ApplicationId,
      status: Type.Union([
        Type.Literal('declined'),
        Type.Literal('needs_data'),
        Type.Literal('failed'),
      ]),
      ...refusal,
    }),
  ],
  { $id: 'InsurerAnswer' },
);
export type InsurerAnswer = Static<typeof InsurerAnswer>;
