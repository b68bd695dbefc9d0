-- How many people complained on a day, by merchant and by word, in a division. Only the last weeks are kept.
CREATE TABLE watch_counts (
    kind text NOT NULL,
    subject text NOT NULL,
    division integer NOT NULL,
    on_day date NOT NULL,
    people integer NOT NULL,
    PRIMARY KEY (kind, subject, division, on_day)
);

CREATE INDEX watch_counts_day ON watch_counts (on_day);

-- Counts that rose beyond their usual range.
CREATE TABLE watch_alarms (
    kind text NOT NULL,
    subject text NOT NULL,
    raised_on date NOT NULL,
    observed integer NOT NULL,
    expected double precision NOT NULL,
    probability double precision NOT NULL,
    raised_at timestamptz NOT NULL,
    seen_at timestamptz,
    seen_by text,
    PRIMARY KEY (kind, subject, raised_on)
);

CREATE INDEX watch_alarms_day ON watch_alarms (raised_on);
