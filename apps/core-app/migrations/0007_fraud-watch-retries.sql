-- Up Migration

-- A retry with changes is an application of its own to the fraud watch: the same tokens as a request has. One without
-- changes has none and is not compared.
ALTER TABLE request_commands ADD COLUMN vehicle_mac bytea, ADD COLUMN person_mac bytea, ADD COLUMN taxi_plate boolean;
CREATE INDEX request_commands_of_vehicle ON request_commands (vehicle_mac, at DESC) WHERE vehicle_mac IS NOT NULL;
CREATE INDEX request_commands_of_person ON request_commands (person_mac, at DESC) WHERE person_mac IS NOT NULL;

ALTER TABLE fraud_watch_queue ADD COLUMN revision integer NOT NULL DEFAULT 1;

-- 1 for what was submitted, else the revision of the retry.
ALTER TABLE fraud_signals ADD COLUMN revision integer NOT NULL DEFAULT 1;
ALTER TABLE fraud_signals DROP CONSTRAINT fraud_signals_pkey, ADD PRIMARY KEY (request_id, revision, code);

-- Everything that the fraud watch compares. Both halves have an index for each token; neither has a condition, or Postgres
-- would read the whole of it for each batch.
CREATE VIEW watched_applications AS
  SELECT request_id, 1 AS revision, accepted_at AS at, vehicle_mac, person_mac, taxi_plate, tariff FROM requests
  UNION ALL
  SELECT request_id, revision, at, vehicle_mac, person_mac, taxi_plate, tariff FROM request_commands;
