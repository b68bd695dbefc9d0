-- What offices issued in writing, as it was: the page is sealed with the case's key.
CREATE TABLE documents (
    case_id BLOB NOT NULL,
    document_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    office TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    issued_by TEXT NOT NULL,
    page BLOB NOT NULL,
    PRIMARY KEY (case_id, document_no)
) STRICT, WITHOUT ROWID;

-- How each document reached whom it was for.
CREATE TABLE document_deliveries (
    case_id BLOB NOT NULL,
    document_no INTEGER NOT NULL,
    delivery_no INTEGER NOT NULL,
    party TEXT NOT NULL,
    way TEXT NOT NULL,
    delivered_on TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (case_id, document_no, delivery_no)
) STRICT, WITHOUT ROWID;

-- The last number given in each series of an office and year.
CREATE TABLE document_numbers (
    office TEXT NOT NULL,
    series TEXT NOT NULL,
    year INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (office, series, year)
) STRICT, WITHOUT ROWID;
