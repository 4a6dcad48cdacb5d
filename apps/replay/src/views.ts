/**
 * The tables that analysts ask, made of the records: the same answers as fold and view of libs/quotes, in SQL. A test
 * holds them together.
 */
import { CLOCK_GRACE_MS, classOf } from '@osago/quotes';

const GRACE = `INTERVAL ${CLOCK_GRACE_MS} MILLISECOND`;
/** Of a leg that somebody asked for in a command that is not among the records. */
const ANY_REVISION = 2_147_483_647;

const COMMAND_COLUMNS = `
  panel, category, power_hp, year, purpose, region, months, policy_start_date, unlimited_drivers, drivers`;

/** Repeated records are in once: the first one. */
const legEvents = (topic: string): string => `
  SELECT * EXCLUDE (accepted_at, revision, fault, ${COMMAND_COLUMNS}) FROM records
  WHERE topic = '${topic}' AND fault IS NULL
  QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY partition, "offset") = 1`;

const SUBMITTED = `
  SELECT * FROM records WHERE topic = 'requests' AND panel IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY "offset") = 1`;

const LEGS = `
  WITH member AS (
    SELECT request_id, partition, accepted_at, region, category, power_hp, year, purpose,
           unnest(from_json(panel, '[{"insurer_id":"VARCHAR","name":"VARCHAR","deadline_at":"VARCHAR"}]')) AS asked,
           generate_subscripts(from_json(panel, '["JSON"]'), 1) AS position
    FROM submitted
  ), effective AS (
    SELECT * FROM records WHERE topic IN ('quotes', 'errors') AND fault IS NULL
    QUALIFY row_number() OVER (PARTITION BY request_id, insurer_id
                               ORDER BY attempt DESC, class DESC, fence DESC, step DESC, event_id DESC) = 1
  ), retry AS (
    SELECT request_id, insurer_id, attempt, revision, deadline_at FROM records
    WHERE topic = 'requests' AND insurer_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY request_id, insurer_id ORDER BY attempt DESC, "offset") = 1
  ), cancel AS (
    SELECT request_id, revision, event_time FROM records
    WHERE topic = 'requests' AND fault IS NULL AND panel IS NULL AND insurer_id IS NULL
  ), asked AS (
    SELECT member.* EXCLUDE (asked), asked.insurer_id AS insurer_id, asked.name AS name,
           greatest(coalesce(retry.attempt, 1), coalesce(effective.attempt, 1)) AS attempt,
           CASE WHEN retry.attempt >= coalesce(effective.attempt, 1) THEN retry.revision
                WHEN coalesce(effective.attempt, 1) = 1 THEN 1 ELSE ${ANY_REVISION} END AS revision,
           CASE WHEN retry.attempt >= coalesce(effective.attempt, 1) THEN retry.deadline_at
                WHEN coalesce(effective.attempt, 1) = 1 THEN asked.deadline_at::TIMESTAMP
                ELSE effective.deadline_at END AS deadline_at
    FROM member
    LEFT JOIN retry ON retry.request_id = member.request_id AND retry.insurer_id = asked.insurer_id
    LEFT JOIN effective ON effective.request_id = member.request_id AND effective.insurer_id = asked.insurer_id
  ), decided AS (
    SELECT asked.*, event,
           CASE WHEN coalesce(event.class, 1) <= ${classOf('timeout')} AND EXISTS (
                  SELECT 1 FROM cancel WHERE cancel.request_id = asked.request_id AND cancel.revision > asked.revision
                                         AND cancel.event_time < asked.deadline_at + ${GRACE}) THEN 'cancelled'
                WHEN NOT coalesce(event.final, false) AND now_at() >= asked.deadline_at + ${GRACE} THEN 'timeout'
                ELSE coalesce(event.status, 'waiting') END AS status
    FROM asked LEFT JOIN effective AS event
      ON event.request_id = asked.request_id AND event.insurer_id = asked.insurer_id AND event.attempt = asked.attempt
  ), shown AS (SELECT *, status = event.status AS is_published FROM decided)
  SELECT request_id, insurer_id, name, position, status,
         status NOT IN ('waiting', 'submitted', 'estimated') AS final,
         coalesce(is_published AND event.late, false) AS late, attempt, accepted_at, deadline_at,
         event.submitted_at AS submitted_at,
         CASE WHEN is_published THEN event.answered_at END AS answered_at,
         CASE WHEN is_published AND final
              THEN date_diff('millisecond', accepted_at, coalesce(event.answered_at, event.event_time)) / 1000
         END AS answered_s,
         CASE WHEN is_published THEN event.valid_until END AS valid_until,
         CASE WHEN is_published THEN event.cached_at END AS cached_at,
         CASE WHEN is_published THEN event.premium_kopecks END AS premium_kopecks,
         CASE WHEN is_published THEN event.total_kopecks END AS total_kopecks,
         CASE WHEN status = 'quoted' THEN rank() OVER (
           PARTITION BY request_id, status ORDER BY coalesce(event.total_kopecks, event.premium_kopecks)) END AS price_rank,
         CASE WHEN is_published THEN event.pool END AS pool,
         CASE WHEN is_published THEN event.reason_code END AS reason_code,
         CASE WHEN is_published THEN event.reason_message END AS reason_message,
         CASE WHEN is_published THEN event.missing_fields END AS missing_fields,
         CASE WHEN is_published THEN event.retryable END AS retryable,
         region, category, power_hp, year, purpose, partition
  FROM shown`;

const REQUESTS = `
  WITH per_request AS (
    SELECT request_id, count(*) AS insurers, count_if(final) AS answered, count_if(status = 'quoted') AS quoted,
           bool_or(NOT final) AS has_open, bool_or(status = 'cancelled') AS has_cancelled,
           bool_and(status IN ('quoted', 'declined', 'needs_data') AND NOT late) AS is_whole,
           min(total_kopecks) FILTER (status = 'quoted') AS best_total_kopecks,
           min(answered_s) FILTER (status = 'quoted') AS first_quote_s
    FROM legs GROUP BY request_id
  ), command AS (
    SELECT request_id, max(revision) AS revision FROM records WHERE topic = 'requests' AND fault IS NULL GROUP BY request_id
  )
  SELECT submitted.request_id, accepted_at, submitted.deadline_at, command.revision,
         CASE WHEN has_open THEN 'in_progress' WHEN has_cancelled THEN 'cancelled' WHEN quoted = 0 THEN 'no_offers'
              WHEN is_whole THEN 'completed' ELSE 'partial' END AS status,
         insurers, answered, quoted, best_total_kopecks, first_quote_s, region, category, power_hp, year, purpose, months,
         policy_start_date, unlimited_drivers, json_array_length(drivers) AS drivers, partition, "offset", written_at
  FROM submitted JOIN per_request USING (request_id) JOIN command USING (request_id)`;

/** Statements that make the views over a table `records`; a leg without outcome ends by the clock of `nowMs`. */
export const viewStatements = (nowMs: number): string[] => [
  `CREATE MACRO now_at() AS make_timestamp(${Math.trunc(nowMs)}::BIGINT * 1000)`,
  `CREATE VIEW submitted AS ${SUBMITTED}`,
  `CREATE VIEW quotes AS ${legEvents('quotes')}`,
  `CREATE VIEW errors AS ${legEvents('errors')}`,
  `CREATE VIEW legs AS ${LEGS}`,
  `CREATE VIEW requests AS ${REQUESTS}`,
];
