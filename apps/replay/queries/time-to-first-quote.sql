-- Seconds from accepting a request to its first quote, by hour
SELECT strftime(date_trunc('hour', accepted_at), '%Y-%m-%d %H:00') AS hour, count(*) AS requests,
       count(first_quote_s) AS with_quote,
       round(quantile_cont(first_quote_s, 0.5), 2) AS p50_s, round(quantile_cont(first_quote_s, 0.95), 2) AS p95_s,
       round(max(first_quote_s), 2) AS max_s
FROM requests GROUP BY hour ORDER BY hour;
