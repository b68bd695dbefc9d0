-- Systems that are told what happens to cases, by HTTP. Address and secrets are sealed with the row's own key; a secret that
-- was replaced signs beside the new one until its time is over.
CREATE TABLE webhooks (
    webhook_id BLOB NOT NULL PRIMARY KEY,
    data_key BLOB NOT NULL,
    url BLOB NOT NULL,
    secret BLOB NOT NULL,
    old_secret BLOB,
    old_secret_until INTEGER,
    actions TEXT NOT NULL,
    kinds TEXT NOT NULL,
    division INTEGER,
    enabled INTEGER NOT NULL,
    disabled_by TEXT,
    failing_since INTEGER,
    fault TEXT,
    succeeded_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
