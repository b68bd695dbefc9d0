-- What offices issued in writing, as it was: the page is sealed with the case's key.
CREATE TABLE documents (
    case_id uuid NOT NULL,
    document_no smallint NOT NULL,
    kind text NOT NULL,
    number text NOT NULL,
    office text NOT NULL,
    issued_at timestamptz NOT NULL,
    issued_by text NOT NULL,
    page bytea NOT NULL,
    PRIMARY KEY (case_id, document_no)
);

-- How each document reached whom it was for.
CREATE TABLE document_deliveries (
    case_id uuid NOT NULL,
    document_no smallint NOT NULL,
    delivery_no smallint NOT NULL,
    party text NOT NULL,
    way text NOT NULL,
    delivered_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    PRIMARY KEY (case_id, document_no, delivery_no)
);

-- The last number given in each series of an office and year.
CREATE TABLE document_numbers (
    office text NOT NULL,
    series text NOT NULL,
    year smallint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (office, series, year)
);
