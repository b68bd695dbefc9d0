-- Which account somebody at the provider of sign-in is, by keyed hash of issuer, claim and value.
CREATE TABLE subject_links (
    link_hash bytea NOT NULL,
    username text NOT NULL,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (link_hash)
);

CREATE INDEX subject_links_account ON subject_links (username);

-- Ways back from the provider that were used: none works twice.
CREATE TABLE spent_states (
    state_hash bytea NOT NULL,
    spent_at timestamptz NOT NULL,
    PRIMARY KEY (state_hash)
);

CREATE INDEX spent_states_at ON spent_states (spent_at);
