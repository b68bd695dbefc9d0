-- Instants are timestamptz, days are dates in Asia/Shanghai, everything a person wrote is sealed (bytes).
-- A case's tables are partitioned by month as ranges of its uuid v7 key and share it as their distribution key;
-- the service makes the months ahead, what is older lies in the default partition.

-- A case: the fold of its events in doc (packed JSON, as the data of events is); the other columns are an index over it, and what is sealed.
CREATE TABLE cases (
    case_id uuid NOT NULL,
    reference text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    is_open boolean NOT NULL,
    version bigint NOT NULL,
    received_at timestamptz NOT NULL,
    received_on date NOT NULL,
    next_due date NOT NULL,
    decision_due date,
    closed_on date,
    sector text NOT NULL,
    division integer NOT NULL,
    department text NOT NULL,
    office text NOT NULL,
    station text NOT NULL,
    channel text NOT NULL,
    assigned_to text,
    facts bigint NOT NULL,
    respondent text,
    respondent_hash bytea,
    complainant_hash bytea,
    amount_fen bigint,
    recovered_fen bigint,
    data_key bytea NOT NULL,
    narrative bytea NOT NULL,
    doc bytea NOT NULL,
    last_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (case_id)
) PARTITION BY RANGE (case_id);
CREATE TABLE cases_default PARTITION OF cases DEFAULT;

CREATE INDEX cases_office ON cases (office, next_due, case_id) WHERE is_open;
CREATE INDEX cases_station ON cases (station, next_due, case_id) WHERE is_open;
CREATE INDEX cases_division ON cases (division, next_due, case_id) WHERE is_open;
CREATE INDEX cases_received ON cases (received_on, case_id);
CREATE INDEX cases_closed ON cases (closed_on, case_id) WHERE closed_on IS NOT NULL;
CREATE INDEX cases_awaiting ON cases (decision_due) WHERE decision_due IS NOT NULL;
CREATE INDEX cases_duplicates ON cases (complainant_hash, respondent_hash) WHERE complainant_hash IS NOT NULL;

-- Who has a part in a case. Every field is sealed with the case's key; hashes are keyed, for look-up.
CREATE TABLE parties (
    case_id uuid NOT NULL,
    party_no smallint NOT NULL,
    role text NOT NULL,
    name bytea,
    phone bytea,
    email bytea,
    address bytea,
    id_type text,
    id_number bytea,
    uscc text,
    phone_hash bytea,
    email_hash bytea,
    id_hash bytea,
    PRIMARY KEY (case_id, party_no)
) PARTITION BY RANGE (case_id);
CREATE TABLE parties_default PARTITION OF parties DEFAULT;

CREATE INDEX parties_phone ON parties (phone_hash) WHERE phone_hash IS NOT NULL;

-- A case's history: append-only, each hash over the one before.
CREATE TABLE events (
    case_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    role text NOT NULL,
    actor text,
    unit text,
    data bytea NOT NULL,
    sealed bytea,
    commitment bytea,
    hash bytea NOT NULL,
    PRIMARY KEY (case_id, seq)
) PARTITION BY RANGE (case_id);
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- An index over the time limits of the cases, for jobs.
CREATE TABLE clocks (
    case_id uuid NOT NULL,
    clock_no smallint NOT NULL,
    kind text NOT NULL,
    start_on date NOT NULL,
    due_on date NOT NULL,
    running boolean NOT NULL,
    provisional boolean NOT NULL,
    PRIMARY KEY (case_id, clock_no)
) PARTITION BY RANGE (case_id);
CREATE TABLE clocks_default PARTITION OF clocks DEFAULT;

CREATE INDEX clocks_due ON clocks (due_on, case_id) WHERE running;
CREATE INDEX clocks_provisional ON clocks (case_id) WHERE provisional AND running;

-- Evidence; the bytes lie in the object store.
CREATE TABLE attachments (
    case_id uuid NOT NULL,
    attachment_id uuid NOT NULL,
    name bytea NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    object text NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text NOT NULL,
    PRIMARY KEY (case_id, attachment_id)
) PARTITION BY RANGE (case_id);
CREATE TABLE attachments_default PARTITION OF attachments DEFAULT;

-- Cases that belong together; each direction is a row of its case.
CREATE TABLE links (
    case_id uuid NOT NULL,
    other_id uuid NOT NULL,
    relation text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, other_id, relation)
);

-- Uniqueness of the reference number.
CREATE TABLE case_numbers (
    reference text NOT NULL PRIMARY KEY,
    case_id uuid NOT NULL
);

-- Uniqueness of the numbers of other systems.
CREATE TABLE external_numbers (
    system text NOT NULL,
    number text NOT NULL,
    case_id uuid NOT NULL,
    PRIMARY KEY (system, number)
);

-- One answer for one key: the key is hashed with its scope, the body is hashed.
CREATE TABLE idempotency_keys (
    key_hash bytea NOT NULL PRIMARY KEY,
    body_hash bytea NOT NULL,
    case_id uuid NOT NULL,
    answer text NOT NULL,
    created_at timestamptz NOT NULL
);

-- Notices owed, one row per destination, written in the unit of work that owes them; claimed per bucket.
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

-- Counts of facts by view, kept in the unit of work that changes them. A dimension that a view leaves out is 0 or empty.
CREATE TABLE counters (
    view text NOT NULL,
    grain text NOT NULL,
    on_day date NOT NULL,
    cohort text NOT NULL,
    kind text NOT NULL,
    city integer NOT NULL,
    county integer NOT NULL,
    sector text NOT NULL,
    department text NOT NULL,
    office text NOT NULL,
    station text NOT NULL,
    channel text NOT NULL,
    bucket smallint NOT NULL,
    n_received bigint NOT NULL,
    n_disposed bigint NOT NULL,
    n_decided bigint NOT NULL,
    n_decided_in_time bigint NOT NULL,
    n_accepted bigint NOT NULL,
    n_closed bigint NOT NULL,
    n_closed_in_time bigint NOT NULL,
    n_station_ended bigint NOT NULL,
    n_self_settled bigint NOT NULL,
    n_agreed bigint NOT NULL,
    n_mediation_ended bigint NOT NULL,
    n_mediated_agreed bigint NOT NULL,
    n_rated bigint NOT NULL,
    n_satisfied bigint NOT NULL,
    n_solved bigint NOT NULL,
    n_contacted bigint NOT NULL,
    n_returned bigint NOT NULL,
    n_reopened bigint NOT NULL,
    n_withdrawn bigint NOT NULL,
    n_refused bigint NOT NULL,
    n_transferred bigint NOT NULL,
    n_report_verified bigint NOT NULL,
    n_report_verified_in_time bigint NOT NULL,
    amount_fen bigint NOT NULL,
    recovered_fen bigint NOT NULL,
    PRIMARY KEY (view, grain, on_day, cohort, kind, city, county, sector, department, office, station, channel, bucket)
);

-- A closed month as it was; later corrections are revisions.
CREATE TABLE month_snapshots (
    month date NOT NULL,
    revision integer NOT NULL,
    frozen_at timestamptz NOT NULL,
    frozen_by text NOT NULL,
    note text,
    content text NOT NULL,
    PRIMARY KEY (month, revision)
);

-- Years loaded after the shipped calendar.
CREATE TABLE calendar_years (
    year integer NOT NULL PRIMARY KEY,
    version text NOT NULL,
    days text NOT NULL,
    loaded_at timestamptz NOT NULL
);

-- Accounts of staff.
CREATE TABLE users (
    username text NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    role text NOT NULL,
    unit text,
    division integer,
    password_hash text NOT NULL,
    disabled boolean NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

-- One-time links to make the first account.
CREATE TABLE setup_links (
    token_hash bytea NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

-- What a case is found by: the tokens of one tokeniser in the service, after redaction.
CREATE TABLE case_search (
    case_id uuid PRIMARY KEY,
    tokens tsvector NOT NULL
);
CREATE INDEX case_search_tokens ON case_search USING gin (tokens);
