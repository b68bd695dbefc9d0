-- Filings that aren't finished, by the hash of the token in their cookie. What was typed is sealed with a key of the draft's
-- own, which is wrapped like a case's.
CREATE TABLE drafts (
    token_hash BLOB NOT NULL PRIMARY KEY,
    data_key BLOB NOT NULL,
    fields BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX drafts_expiry ON drafts (expires_at);
