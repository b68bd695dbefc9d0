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

-- Attempts to get in, by keyed hash of what is limited: an account, a case, a number, an address.
CREATE TABLE attempts (
    subject BLOB NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    opens_at INTEGER NOT NULL,
    forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_forget ON attempts (forget_at);

-- Second factors of accounts (RFC 6238); the secret is sealed.
CREATE TABLE second_factors (
    username TEXT NOT NULL PRIMARY KEY,
    data_key BLOB NOT NULL,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER
) STRICT, WITHOUT ROWID;

-- Codes that stand in for a lost second factor, once each, hashed.
CREATE TABLE recovery_codes (
    username TEXT NOT NULL,
    code_hash BLOB NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (username, code_hash)
) STRICT, WITHOUT ROWID;

-- Codes sent to a phone or a mailbox, by keyed hash of it; the newest alone works.
CREATE TABLE one_time_codes (
    contact BLOB NOT NULL PRIMARY KEY,
    code_hash BLOB NOT NULL,
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sign-ins that are under way at an OpenID provider, once each.
CREATE TABLE oidc_logins (
    state_hash BLOB NOT NULL PRIMARY KEY,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    next TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX parties_email ON parties (email_hash) WHERE email_hash IS NOT NULL;
