-- What is owed to one destination on one channel. A row may belong to no case (a one-time code, a webhook's event); then its
-- key stands in data_key, else it is sealed with the case's. A lane is a keyed hash of where it goes, so that one slow
-- receiver holds up none of the others.
ALTER TABLE outbox RENAME TO outbox_before;
DROP INDEX outbox_due;
CREATE TABLE outbox (
    bucket smallint NOT NULL,
    outbox_id uuid NOT NULL,
    case_id uuid,
    event_seq bigint,
    notice text NOT NULL,
    channel text NOT NULL,
    audience text NOT NULL,
    lane text NOT NULL,
    destination bytea NOT NULL,
    payload bytea NOT NULL,
    data_key bytea,
    lang text NOT NULL,
    urgent boolean NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz,
    lease uuid,
    leased_until timestamptz,
    fault text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    PRIMARY KEY (bucket, outbox_id)
);
INSERT INTO outbox (bucket, outbox_id, case_id, notice, channel, audience, lane, destination, payload, lang, urgent, state,
    attempts, due_at, fault, created_at)
SELECT bucket, outbox_id, case_id, notice, channel, 'complainant', '', destination, ''::bytea, lang, false, 'failed', attempts,
    due_at, 'without_text', created_at
FROM outbox_before;
DROP TABLE outbox_before;
CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending';
CREATE INDEX outbox_urgent ON outbox (bucket, due_at) WHERE state = 'pending' AND urgent;
CREATE INDEX outbox_leased ON outbox (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX outbox_failed ON outbox (outbox_id) WHERE state = 'failed';
CREATE INDEX outbox_of_event ON outbox (case_id, event_seq) WHERE event_seq IS NOT NULL;

-- How far a time limit has been escalated: 0 not, 1 reminded, 2 urged, 3 supervised, 4 circulated.
ALTER TABLE clocks ADD COLUMN stage smallint NOT NULL DEFAULT 0;
CREATE INDEX clocks_stage ON clocks (stage, due_on) WHERE running;
