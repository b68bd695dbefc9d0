-- What staff said of the sector of a case: the labelled examples that a model of this installation learns from. The word stands
-- sealed with the case's key, the text is the case's narrative: destroying the key erases both.
CREATE TABLE verdicts (
    case_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    channel TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (case_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX verdicts_newest ON verdicts (at);

-- Weights that were fitted here. In force is the newest that is `promoted`; without one, the weights as shipped.
CREATE TABLE models (
    version INTEGER NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    fitted_until INTEGER NOT NULL,
    weights BLOB NOT NULL,
    report TEXT NOT NULL
) STRICT;
