-- How often something was tried, by keyed hashes of accounts, cases, contacts and addresses: waits that all nodes share.
CREATE TABLE tries (
    sort TEXT NOT NULL,
    subject BLOB NOT NULL,
    tried INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    wait_until INTEGER NOT NULL,
    PRIMARY KEY (sort, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX tries_last ON tries (last_at);

-- One-time codes that were sent, one a contact. Only keyed hashes.
CREATE TABLE codes (
    kind TEXT NOT NULL,
    contact BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    tried INTEGER NOT NULL,
    PRIMARY KEY (kind, contact)
) STRICT, WITHOUT ROWID;
