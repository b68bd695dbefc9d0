-- Complaints against one merchant that one office handles together (Order 121 Art 12). Each stays a case of its own: its receipt, its
-- limits, its outcome and its part in the group stand there.
CREATE TABLE case_groups (
    group_id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    office TEXT NOT NULL,
    department TEXT NOT NULL,
    division INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    opened_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX case_groups_office ON case_groups (office, group_id);
CREATE INDEX case_groups_division ON case_groups (division, group_id);

-- Which cases were asked to join, and where they stand.
CREATE TABLE group_members (
    group_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (group_id, case_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_case ON group_members (case_id);

-- What the members are asked: whether to join, who speaks for them, whether to settle.
CREATE TABLE group_questions (
    group_id BLOB NOT NULL,
    question_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    first_case BLOB,
    second_case BLOB,
    performance_on TEXT,
    asked_at INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    PRIMARY KEY (group_id, question_no)
) STRICT, WITHOUT ROWID;

-- Who was asked, and said what; the last word of each.
CREATE TABLE group_answers (
    group_id BLOB NOT NULL,
    question_no INTEGER NOT NULL,
    case_id BLOB NOT NULL,
    amount_fen INTEGER,
    agreed INTEGER,
    way TEXT,
    answered_at INTEGER,
    answered_by TEXT,
    PRIMARY KEY (group_id, question_no, case_id)
) STRICT, WITHOUT ROWID;
