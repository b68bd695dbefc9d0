DROP TABLE group_answers;
DROP TABLE group_questions;
DROP TABLE group_members;
DROP TABLE case_groups;
