-- How the prices of each insurer stand among the quotes of the same request
SELECT insurer_id, count(*) AS quotes, round(avg(price_rank), 2) AS mean_rank, count_if(price_rank = 1) AS first,
       count_if(price_rank = 2) AS second, count_if(price_rank = 3) AS third,
       round(median(total_kopecks) / 100, 2) AS median_rubles,
       round(100 * (avg(total_kopecks / best_total_kopecks) - 1), 1) AS above_best_percent
FROM legs JOIN (SELECT request_id, best_total_kopecks FROM requests) USING (request_id)
WHERE status = 'quoted' GROUP BY insurer_id ORDER BY mean_rank, insurer_id;
