-- What happened to the installation: append-only, a chain of hashes for each writer. Nothing personal stands in the open;
-- what a person wrote is sealed with the key of its case and covered by a commitment.
CREATE TABLE audit (
    writer text NOT NULL,
    seq bigint NOT NULL,
    entry_id uuid NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    role text NOT NULL,
    actor text,
    unit text,
    division integer,
    case_id uuid,
    request_id text,
    data text NOT NULL,
    sealed bytea,
    commitment bytea,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (writer, seq)
);

CREATE INDEX audit_newest ON audit (entry_id);
CREATE INDEX audit_kind ON audit (kind, entry_id);
CREATE INDEX audit_actor ON audit (actor, kind, at) WHERE actor IS NOT NULL;
CREATE INDEX audit_case ON audit (case_id, entry_id) WHERE case_id IS NOT NULL;

-- The end of each writer's chain.
CREATE TABLE audit_heads (
    writer text NOT NULL PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);

-- Cases that must not be erased; the reason is sealed with the case's key.
CREATE TABLE legal_holds (
    case_id uuid NOT NULL PRIMARY KEY,
    placed_at timestamptz NOT NULL,
    placed_by text NOT NULL,
    reason bytea NOT NULL
);

-- Cases whose key was destroyed.
CREATE TABLE erasures (
    case_id uuid NOT NULL PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    class text NOT NULL
);

-- Ended cases that still have their key, by the day of their end: what the retention job goes through.
CREATE INDEX cases_kept ON cases (closed_on, case_id) WHERE closed_on IS NOT NULL AND length(data_key) > 0;
