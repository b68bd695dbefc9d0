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

-- Attempts to get in, by keyed hash of what is limited: an account, a case, a number, an address.
CREATE TABLE attempts (
    subject bytea NOT NULL PRIMARY KEY,
    count bigint NOT NULL,
    last_at timestamptz NOT NULL,
    opens_at timestamptz NOT NULL,
    forget_at timestamptz NOT NULL
);

CREATE INDEX attempts_forget ON attempts (forget_at);

-- Second factors of accounts (RFC 6238); the secret is sealed.
CREATE TABLE second_factors (
    username text NOT NULL PRIMARY KEY,
    data_key bytea NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint
);

-- Codes that stand in for a lost second factor, once each, hashed.
CREATE TABLE recovery_codes (
    username text NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (username, code_hash)
);

-- Codes sent to a phone or a mailbox, by keyed hash of it; the newest alone works.
CREATE TABLE one_time_codes (
    contact bytea NOT NULL PRIMARY KEY,
    code_hash bytea NOT NULL,
    tries integer NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Sign-ins that are under way at an OpenID provider, once each.
CREATE TABLE oidc_logins (
    state_hash bytea NOT NULL PRIMARY KEY,
    nonce text NOT NULL,
    verifier text NOT NULL,
    next text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX parties_email ON parties (email_hash) WHERE email_hash IS NOT NULL;
