-- Up Migration

-- Every command on a request after the first, with its time: a committed command is a fact of the log to come.
CREATE TABLE request_commands (
  request_id uuid NOT NULL REFERENCES requests ON DELETE CASCADE,
  revision integer NOT NULL CHECK (revision > 1),
  kind text NOT NULL CHECK (kind IN ('cancel', 'retry')),
  at timestamptz NOT NULL,
  -- Of a retry: whom to ask again, as which attempt, until when, and with what (sealed with the store key).
  insurer_id text,
  attempt integer,
  deadline_at timestamptz,
  tariff jsonb,
  application_sealed text,
  PRIMARY KEY (request_id, revision),
  -- One click asked twice is one command.
  UNIQUE (request_id, insurer_id, attempt),
  CHECK ((kind = 'retry') = (insurer_id IS NOT NULL AND attempt IS NOT NULL AND deadline_at IS NOT NULL
                             AND tariff IS NOT NULL AND application_sealed IS NOT NULL))
);

-- The history of one owner, newest first; request_id parts requests of one moment.
CREATE INDEX requests_history ON requests (owner_mac, accepted_at DESC, request_id DESC);
DROP INDEX requests_of_owner;
