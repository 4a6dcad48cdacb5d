-- Answers that came after the deadline, and how much too late
SELECT insurer_id, count(*) AS late_answers,
       round(avg(date_diff('millisecond', deadline_at, answered_at)) / 1000, 2) AS mean_late_s,
       round(max(date_diff('millisecond', deadline_at, answered_at)) / 1000, 2) AS max_late_s
FROM legs WHERE late GROUP BY insurer_id ORDER BY late_answers DESC, insurer_id;
