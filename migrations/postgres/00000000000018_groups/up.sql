-- Complaints against one merchant that one office handles together (Order 121 Art 12). Each stays a case of its own: its receipt, its
-- limits, its outcome and its part in the group stand there.
CREATE TABLE case_groups (
    group_id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    office text NOT NULL,
    department text NOT NULL,
    division integer NOT NULL,
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL
);

CREATE INDEX case_groups_office ON case_groups (office, group_id);
CREATE INDEX case_groups_division ON case_groups (division, group_id);

-- Which cases were asked to join, and where they stand.
CREATE TABLE group_members (
    group_id uuid NOT NULL,
    case_id uuid NOT NULL,
    state text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (group_id, case_id)
);

CREATE INDEX group_members_case ON group_members (case_id);

-- What the members are asked: whether to join, who speaks for them, whether to settle.
CREATE TABLE group_questions (
    group_id uuid NOT NULL,
    question_no smallint NOT NULL,
    kind text NOT NULL,
    first_case uuid,
    second_case uuid,
    performance_on date,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    PRIMARY KEY (group_id, question_no)
);

-- Who was asked, and said what; the last word of each.
CREATE TABLE group_answers (
    group_id uuid NOT NULL,
    question_no smallint NOT NULL,
    case_id uuid NOT NULL,
    amount_fen bigint,
    agreed boolean,
    way text,
    answered_at timestamptz,
    answered_by text,
    PRIMARY KEY (group_id, question_no, case_id)
);
