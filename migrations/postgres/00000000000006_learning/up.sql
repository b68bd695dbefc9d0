-- What staff said of the sector of a case: the labelled examples that a model of this installation learns from. The word stands
-- sealed with the case's key, the text is the case's narrative: destroying the key erases both.
CREATE TABLE verdicts (
    case_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    channel text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (case_id, seq)
);

CREATE INDEX verdicts_newest ON verdicts (at);

-- Weights that were fitted here. In force is the newest that is `promoted`; without one, the weights as shipped.
CREATE TABLE models (
    version integer NOT NULL PRIMARY KEY,
    state text NOT NULL,
    made_at timestamptz NOT NULL,
    fitted_until timestamptz NOT NULL,
    weights bytea NOT NULL,
    report text NOT NULL
);
