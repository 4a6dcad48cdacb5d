-- Up Migration

-- Tokens (HMAC) of the vehicle and of the policyholder, and whether the plate is one that only taxis have. Requests from
-- before have none and are never compared.
ALTER TABLE requests ADD COLUMN vehicle_mac bytea, ADD COLUMN person_mac bytea, ADD COLUMN taxi_plate boolean;
CREATE INDEX requests_of_vehicle ON requests (vehicle_mac, accepted_at DESC) WHERE vehicle_mac IS NOT NULL;
CREATE INDEX requests_of_person ON requests (person_mac, accepted_at DESC) WHERE person_mac IS NOT NULL;

-- Requests that the fraud watch has not looked at; it deletes what it takes. A table of its own: a mark on the request
-- would write that wide row and each of its indexes again. No index: rows are taken by their place.
CREATE TABLE fraud_watch_queue (
  request_id uuid NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now()
) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0
);

-- What the watch has noticed; nobody is refused for it. No personal data: tariff attributes and counts.
CREATE TABLE fraud_signals (
  request_id uuid NOT NULL REFERENCES requests ON DELETE CASCADE,
  code text NOT NULL,
  -- The application that it was compared with, and its value; null where one application is a signal by itself.
  former_request uuid,
  former text,
  current text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (request_id, code)
);
CREATE INDEX fraud_signals_by_time ON fraud_signals (at);
