-- Why insurers decline, and where
SELECT reason_code, region, count(*) AS declines, count(DISTINCT insurer_id) AS insurers
FROM legs WHERE status = 'declined' GROUP BY reason_code, region ORDER BY declines DESC, reason_code, region;
