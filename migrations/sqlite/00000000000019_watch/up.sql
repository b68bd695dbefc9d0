-- How many people complained on a day, by merchant and by word, in a division. Only the last weeks are kept.
CREATE TABLE watch_counts (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    division INTEGER NOT NULL,
    on_day TEXT NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, division, on_day)
) STRICT, WITHOUT ROWID;

CREATE INDEX watch_counts_day ON watch_counts (on_day);

-- Counts that rose beyond their usual range.
CREATE TABLE watch_alarms (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    raised_on TEXT NOT NULL,
    observed INTEGER NOT NULL,
    expected REAL NOT NULL,
    probability REAL NOT NULL,
    raised_at INTEGER NOT NULL,
    seen_at INTEGER,
    seen_by TEXT,
    PRIMARY KEY (kind, subject, raised_on)
) STRICT, WITHOUT ROWID;

CREATE INDEX watch_alarms_day ON watch_alarms (raised_on);
