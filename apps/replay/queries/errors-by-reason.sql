-- What went wrong, as it stands on the log: errors that an answer has replaced are in too
SELECT insurer_id, status, reason_code, count(*) AS events, count(DISTINCT request_id) AS requests,
       strftime(max(event_time), '%Y-%m-%d %H:%M:%S') AS last_at
FROM errors GROUP BY insurer_id, status, reason_code ORDER BY events DESC, insurer_id, status;
