-- Up Migration

-- A claim updates each row once. With room on its page the new version stays there, and no index is written; without, each
-- claimed row costs three index entries and six times the log. The table is small, so the room costs nothing.
ALTER TABLE outbox SET (fillfactor = 50);
