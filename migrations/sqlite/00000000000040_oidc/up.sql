-- Which account somebody at the provider of sign-in is, by keyed hash of issuer, claim and value.
CREATE TABLE subject_links (
    link_hash BLOB NOT NULL,
    username TEXT NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (link_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX subject_links_account ON subject_links (username);

-- Ways back from the provider that were used: none works twice.
CREATE TABLE spent_states (
    state_hash BLOB NOT NULL,
    spent_at INTEGER NOT NULL,
    PRIMARY KEY (state_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_states_at ON spent_states (spent_at);
