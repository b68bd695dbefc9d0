-- What people asked to have put right of what is kept of them, and what was decided. Both are sealed with the case's key.
CREATE TABLE corrections (
    case_id BLOB NOT NULL,
    correction_no INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    wanted BLOB NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    answer BLOB,
    PRIMARY KEY (case_id, correction_no)
) STRICT, WITHOUT ROWID;
