-- What the retention job goes through: ended cases that still have their key, by how they ended.
DROP INDEX cases_kept;
CREATE INDEX cases_kept ON cases (state, closed_on, case_id) WHERE closed_on IS NOT NULL AND length(data_key) > 0;

-- When the files of an erased case were deleted from the object store; a round that was cut off goes on with those that weren't.
ALTER TABLE erasures ADD COLUMN files_gone_at INTEGER;
CREATE INDEX erasures_unfinished ON erasures (case_id) WHERE files_gone_at IS NULL;

-- Notices that are over, by age: they are deleted when nobody needs to know any more that they went out.
CREATE INDEX outbox_ended ON outbox (ended_at) WHERE ended_at IS NOT NULL;
