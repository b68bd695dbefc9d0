-- What people asked to have put right of what is kept of them, and what was decided. Both are sealed with the case's key.
CREATE TABLE corrections (
    case_id uuid NOT NULL,
    correction_no smallint NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL,
    wanted bytea NOT NULL,
    decided_at timestamptz,
    decided_by text,
    answer bytea,
    PRIMARY KEY (case_id, correction_no)
);
