-- What may be claimed, the urgent apart: neither what is under way nor what was sent stands in the way of the next, however
-- much is owed.
DROP INDEX outbox_due;
DROP INDEX outbox_urgent;
CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending' AND lease IS NULL AND NOT urgent;
CREATE INDEX outbox_urgent ON outbox (bucket, due_at) WHERE state = 'pending' AND lease IS NULL AND urgent;
