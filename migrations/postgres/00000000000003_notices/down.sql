DROP INDEX clocks_stage;
ALTER TABLE clocks DROP COLUMN stage;
DROP TABLE outbox;
CREATE TABLE outbox (
    bucket smallint NOT NULL,
    outbox_id uuid NOT NULL,
    case_id uuid NOT NULL,
    notice text NOT NULL,
    channel text NOT NULL,
    destination bytea NOT NULL,
    lang text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (bucket, outbox_id)
);

CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending';
