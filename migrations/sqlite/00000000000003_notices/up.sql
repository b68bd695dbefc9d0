-- What is owed to one destination on one channel. A row may belong to no case (a one-time code, a webhook's event); then its
-- key stands in data_key, else it is sealed with the case's. A lane is a keyed hash of where it goes, so that one slow
-- receiver holds up none of the others.
ALTER TABLE outbox RENAME TO outbox_before;
DROP INDEX outbox_due;
CREATE TABLE outbox (
    bucket INTEGER NOT NULL,
    outbox_id BLOB NOT NULL,
    case_id BLOB,
    event_seq INTEGER,
    notice TEXT NOT NULL,
    channel TEXT NOT NULL,
    audience TEXT NOT NULL,
    lane TEXT NOT NULL,
    destination BLOB NOT NULL,
    payload BLOB NOT NULL,
    data_key BLOB,
    lang TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER,
    lease BLOB,
    leased_until INTEGER,
    fault TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    PRIMARY KEY (bucket, outbox_id)
) STRICT, WITHOUT ROWID;
INSERT INTO outbox (bucket, outbox_id, case_id, notice, channel, audience, lane, destination, payload, lang, urgent, state,
    attempts, due_at, fault, created_at)
SELECT bucket, outbox_id, case_id, notice, channel, 'complainant', '', destination, x'', lang, 0, 'failed', attempts,
    due_at, 'without_text', created_at
FROM outbox_before;
DROP TABLE outbox_before;
CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending';
CREATE INDEX outbox_urgent ON outbox (bucket, due_at) WHERE state = 'pending' AND urgent;
CREATE INDEX outbox_leased ON outbox (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX outbox_failed ON outbox (outbox_id) WHERE state = 'failed';
CREATE INDEX outbox_of_event ON outbox (case_id, event_seq) WHERE event_seq IS NOT NULL;

-- How far a time limit has been escalated: 0 not, 1 reminded, 2 urged, 3 supervised, 4 circulated.
ALTER TABLE clocks ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;
CREATE INDEX clocks_stage ON clocks (stage, due_on) WHERE running;
