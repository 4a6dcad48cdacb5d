-- Legs that ended by the clock, by hour and insurer
SELECT strftime(date_trunc('hour', accepted_at), '%Y-%m-%d %H:00') AS hour, insurer_id, count(*) AS asked,
       count_if(status = 'timeout') AS timeouts, round(100 * count_if(status = 'timeout') / count(*), 1) AS timeout_percent
FROM legs GROUP BY hour, insurer_id HAVING timeouts > 0 ORDER BY hour, timeouts DESC, insurer_id;
