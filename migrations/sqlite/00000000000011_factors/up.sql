-- When the owner of a session last proved to be who they are; NULL: when it was opened.
ALTER TABLE sessions ADD COLUMN proved_at INTEGER;

-- Second factors of staff: what is shared with an app, sealed with a key of its own.
CREATE TABLE second_factors (
    username TEXT NOT NULL PRIMARY KEY,
    factor_id BLOB NOT NULL,
    data_key BLOB NOT NULL,
    secret BLOB NOT NULL,
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX second_factors_id ON second_factors (factor_id);

-- Recovery codes that are left, as keyed hashes.
CREATE TABLE recovery_codes (
    username TEXT NOT NULL,
    code_hash BLOB NOT NULL,
    PRIMARY KEY (username, code_hash)
) STRICT, WITHOUT ROWID;
