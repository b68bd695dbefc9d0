-- What happened to the installation: append-only, a chain of hashes for each writer. Nothing personal stands in the open;
-- what a person wrote is sealed with the key of its case and covered by a commitment.
CREATE TABLE audit (
    writer TEXT NOT NULL,
    seq INTEGER NOT NULL,
    entry_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    role TEXT NOT NULL,
    actor TEXT,
    unit TEXT,
    division INTEGER,
    case_id BLOB,
    request_id TEXT,
    data TEXT NOT NULL,
    sealed BLOB,
    commitment BLOB,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (writer, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_newest ON audit (entry_id);
CREATE INDEX audit_kind ON audit (kind, entry_id);
CREATE INDEX audit_actor ON audit (actor, kind, at) WHERE actor IS NOT NULL;
CREATE INDEX audit_case ON audit (case_id, entry_id) WHERE case_id IS NOT NULL;

-- The end of each writer's chain.
CREATE TABLE audit_heads (
    writer TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Cases that must not be erased; the reason is sealed with the case's key.
CREATE TABLE legal_holds (
    case_id BLOB NOT NULL PRIMARY KEY,
    placed_at INTEGER NOT NULL,
    placed_by TEXT NOT NULL,
    reason BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Cases whose key was destroyed.
CREATE TABLE erasures (
    case_id BLOB NOT NULL PRIMARY KEY,
    erased_at INTEGER NOT NULL,
    class TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Ended cases that still have their key, by the day of their end: what the retention job goes through.
CREATE INDEX cases_kept ON cases (closed_on, case_id) WHERE closed_on IS NOT NULL AND length(data_key) > 0;
