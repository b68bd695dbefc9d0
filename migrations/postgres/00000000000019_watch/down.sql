DROP TABLE watch_alarms;
DROP TABLE watch_counts;
