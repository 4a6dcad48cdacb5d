-- Up Migration

-- For the age of the oldest row that waits: an alarm before anybody asks where the quotes are.
ALTER TABLE outbox ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();

-- Holds nothing while nothing is parked, so it costs an insert nothing; counting and listing parked rows read it alone.
CREATE INDEX outbox_parked ON outbox (id) WHERE parked_reason IS NOT NULL;

-- Every row dies within milliseconds of its birth, so what the table needs has nothing to do with what it holds. By
-- default vacuum comes after a fifth of the rows: after an outage that would be a fifth of the backlog, and while claims
-- read past the dead ones. A fixed number, and no pauses: the work is small and what waits for it is the next claim.
ALTER TABLE outbox SET (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 1000,
  toast.autovacuum_vacuum_cost_delay = 0
);
