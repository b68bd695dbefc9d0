DROP TABLE models;
DROP TABLE verdicts;
