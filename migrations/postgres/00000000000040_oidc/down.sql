DROP TABLE spent_states;
DROP TABLE subject_links;
