-- Who is signed in. What a token or cookie says is believed only as long as its row here stands.
CREATE TABLE sessions (
    session_id BLOB NOT NULL PRIMARY KEY,
    owner_kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    carrier TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_why TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_owner ON sessions (owner_kind, owner, session_id);
CREATE INDEX sessions_end ON sessions (ends_at);

-- Refresh tokens that were exchanged: one that comes again was stolen, and its session ends.
CREATE TABLE spent_tokens (
    session_id BLOB NOT NULL,
    token_hash BLOB NOT NULL,
    spent_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, token_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX parties_email ON parties (email_hash) WHERE email_hash IS NOT NULL;
