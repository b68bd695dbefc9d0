DROP INDEX clocks_stage;
ALTER TABLE clocks DROP COLUMN stage;
DROP TABLE outbox;
CREATE TABLE outbox (
    bucket INTEGER NOT NULL,
    outbox_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    notice TEXT NOT NULL,
    channel TEXT NOT NULL,
    destination BLOB NOT NULL,
    lang TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    leased_until INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, outbox_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending';
