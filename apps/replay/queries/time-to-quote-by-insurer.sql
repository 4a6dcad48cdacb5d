-- Seconds from accepting a request to the quote of each insurer
SELECT insurer_id, count(*) AS quotes, round(quantile_cont(answered_s, 0.5), 2) AS p50_s,
       round(quantile_cont(answered_s, 0.95), 2) AS p95_s, round(max(answered_s), 2) AS max_s
FROM legs WHERE status = 'quoted' AND attempt = 1 GROUP BY insurer_id ORDER BY p50_s, insurer_id;
