-- Of what each insurer was asked, how much became a quote, and how often it was the cheapest
SELECT insurer_id, count(*) AS asked, count_if(status = 'quoted') AS quoted,
       round(100 * count_if(status = 'quoted') / count(*), 1) AS quoted_percent,
       count(*) FILTER (price_rank = 1) AS cheapest, count_if(late) AS late
FROM legs GROUP BY insurer_id ORDER BY quoted_percent DESC, insurer_id;
