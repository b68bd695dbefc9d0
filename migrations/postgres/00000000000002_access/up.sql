-- Who is signed in. What a token or cookie says is believed only as long as its row here stands.
CREATE TABLE sessions (
    session_id uuid NOT NULL PRIMARY KEY,
    owner_kind text NOT NULL,
    owner text NOT NULL,
    carrier text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_why text
);

CREATE INDEX sessions_owner ON sessions (owner_kind, owner, session_id);
CREATE INDEX sessions_end ON sessions (ends_at);

-- Refresh tokens that were exchanged: one that comes again was stolen, and its session ends.
CREATE TABLE spent_tokens (
    session_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    spent_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, token_hash)
);

CREATE INDEX parties_email ON parties (email_hash) WHERE email_hash IS NOT NULL;
