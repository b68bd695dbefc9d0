DROP INDEX outbox_ended;
DROP INDEX erasures_unfinished;
ALTER TABLE erasures DROP COLUMN files_gone_at;
DROP INDEX cases_kept;
CREATE INDEX cases_kept ON cases (closed_on, case_id) WHERE closed_on IS NOT NULL AND length(data_key) > 0;
