-- Up Migration

-- A keyed fingerprint of what was asked for, contacts and consents left out: the same content of the same owner, sent again
-- while the request is in progress, is the same request. Found by the owner's newest requests, so it needs no index.
ALTER TABLE requests ADD COLUMN content_mac bytea;
