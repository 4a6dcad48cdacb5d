-- Up Migration

-- The request with every command on it. Personal data is sealed with the store key.
CREATE TABLE requests (
  request_id uuid PRIMARY KEY,
  -- Chosen once, at POST: all records of the request live on this partition number.
  partition integer NOT NULL,
  revision integer NOT NULL,
  accepted_at timestamptz NOT NULL,
  deadline_at timestamptz NOT NULL,
  panel jsonb NOT NULL,
  tariff jsonb NOT NULL,
  owner_mac bytea NOT NULL,
  application_sealed text NOT NULL
);
CREATE INDEX requests_of_owner ON requests (owner_mac, accepted_at DESC);

CREATE TABLE vehicles (
  request_id uuid PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
  category text NOT NULL,
  brand text NOT NULL,
  model text NOT NULL,
  year integer NOT NULL,
  power_hp numeric NOT NULL,
  identity_sealed text NOT NULL
);

CREATE TABLE drivers (
  request_id uuid NOT NULL REFERENCES requests ON DELETE CASCADE,
  position integer NOT NULL,
  age integer NOT NULL,
  experience_years integer NOT NULL,
  person_sealed text NOT NULL,
  PRIMARY KEY (request_id, position)
);

-- Rows that are to be published. A row is deleted when the broker has acknowledged it, so the table stays small.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id uuid NOT NULL,
  event_id text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  value bytea NOT NULL,
  traceparent text NOT NULL,
  -- A row is born claimed by the pod that inserts it; until then no other takes it.
  claimed_until timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  parked_reason text
);
CREATE INDEX outbox_of_request ON outbox (request_id, id);

-- One row per given Idempotency-Key and per given request_id, kept 24 h.
CREATE TABLE idempotency_keys (
  scope text NOT NULL,
  key uuid NOT NULL,
  body_mac bytea NOT NULL,
  request_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- What `topics apply` found: the epoch changes when offsets mean something else; partitions of the three request topics.
CREATE TABLE platform_epoch (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch text NOT NULL,
  cluster_id text NOT NULL,
  partitions integer NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- The effective event of each leg, by the same order as the showcase (libs/quotes/src/leg-order.ts).
CREATE TABLE legs (
  request_id uuid NOT NULL,
  insurer_id text NOT NULL,
  attempt integer NOT NULL,
  class integer NOT NULL,
  fence bigint NOT NULL,
  step integer NOT NULL,
  event_id text NOT NULL COLLATE "C",
  -- json, not jsonb: the order of its members is kept, so a body from here equals one from the showcase.
  event json NOT NULL,
  PRIMARY KEY (request_id, insurer_id)
);

-- The last offset of each request in the three topics, each raised on its own.
CREATE TABLE request_offsets (
  request_id uuid PRIMARY KEY,
  requests_offset bigint NOT NULL DEFAULT -1,
  quotes_offset bigint NOT NULL DEFAULT -1,
  errors_offset bigint NOT NULL DEFAULT -1
);
