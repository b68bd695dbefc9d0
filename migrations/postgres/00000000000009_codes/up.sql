-- How often something was tried, by keyed hashes of accounts, cases, contacts and addresses: waits that all nodes share.
CREATE TABLE tries (
    sort text NOT NULL,
    subject bytea NOT NULL,
    tried integer NOT NULL,
    last_at timestamptz NOT NULL,
    wait_until timestamptz NOT NULL,
    PRIMARY KEY (sort, subject)
);

CREATE INDEX tries_last ON tries (last_at);

-- One-time codes that were sent, one a contact. Only keyed hashes.
CREATE TABLE codes (
    kind text NOT NULL,
    contact bytea NOT NULL,
    code_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    tried integer NOT NULL,
    PRIMARY KEY (kind, contact)
);
