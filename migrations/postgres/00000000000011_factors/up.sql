-- When the owner of a session last proved to be who they are; NULL: when it was opened.
ALTER TABLE sessions ADD COLUMN proved_at timestamptz;

-- Second factors of staff: what is shared with an app, sealed with a key of its own.
CREATE TABLE second_factors (
    username text NOT NULL PRIMARY KEY,
    factor_id uuid NOT NULL,
    data_key bytea NOT NULL,
    secret bytea NOT NULL,
    last_step bigint NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz
);

CREATE INDEX second_factors_id ON second_factors (factor_id);

-- Recovery codes that are left, as keyed hashes.
CREATE TABLE recovery_codes (
    username text NOT NULL,
    code_hash bytea NOT NULL,
    PRIMARY KEY (username, code_hash)
);
