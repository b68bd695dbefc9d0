-- Instants are microseconds UTC, days are ISO text in Asia/Shanghai, everything a person wrote is sealed (bytes).

-- A case: the fold of its events in doc (packed JSON, as the data of events is); the other columns are an index over it, and what is sealed.
CREATE TABLE cases (
    row INTEGER PRIMARY KEY,
    case_id BLOB NOT NULL UNIQUE,
    reference TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    version INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    received_on TEXT NOT NULL,
    next_due TEXT NOT NULL,
    decision_due TEXT,
    closed_on TEXT,
    sector TEXT NOT NULL,
    division INTEGER NOT NULL,
    department TEXT NOT NULL,
    office TEXT NOT NULL,
    station TEXT NOT NULL,
    channel TEXT NOT NULL,
    assigned_to TEXT,
    facts INTEGER NOT NULL,
    respondent TEXT,
    respondent_hash BLOB,
    complainant_hash BLOB,
    amount_fen INTEGER,
    recovered_fen INTEGER,
    data_key BLOB NOT NULL,
    narrative BLOB NOT NULL,
    doc BLOB NOT NULL,
    last_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX cases_office ON cases (office, next_due, case_id) WHERE is_open;
CREATE INDEX cases_station ON cases (station, next_due, case_id) WHERE is_open;
CREATE INDEX cases_division ON cases (division, next_due, case_id) WHERE is_open;
CREATE INDEX cases_received ON cases (received_on, case_id);
CREATE INDEX cases_closed ON cases (closed_on, case_id) WHERE closed_on IS NOT NULL;
CREATE INDEX cases_awaiting ON cases (decision_due) WHERE decision_due IS NOT NULL;
CREATE INDEX cases_duplicates ON cases (complainant_hash, respondent_hash) WHERE complainant_hash IS NOT NULL;

-- Who has a part in a case. Every field is sealed with the case's key; hashes are keyed, for look-up.
CREATE TABLE parties (
    case_id BLOB NOT NULL,
    party_no INTEGER NOT NULL,
    role TEXT NOT NULL,
    name BLOB,
    phone BLOB,
    email BLOB,
    address BLOB,
    id_type TEXT,
    id_number BLOB,
    uscc TEXT,
    phone_hash BLOB,
    email_hash BLOB,
    id_hash BLOB,
    PRIMARY KEY (case_id, party_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX parties_phone ON parties (phone_hash) WHERE phone_hash IS NOT NULL;

-- A case's history: append-only, each hash over the one before. With row numbers: a table without them keeps no more than
-- a quarter of a page of a row beside the others and gives the rest a page of its own.
CREATE TABLE events (
    case_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    role TEXT NOT NULL,
    actor TEXT,
    unit TEXT,
    data BLOB NOT NULL,
    sealed BLOB,
    commitment BLOB,
    hash BLOB NOT NULL,
    PRIMARY KEY (case_id, seq)
) STRICT;

-- An index over the time limits of the cases, for jobs.
CREATE TABLE clocks (
    case_id BLOB NOT NULL,
    clock_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    start_on TEXT NOT NULL,
    due_on TEXT NOT NULL,
    running INTEGER NOT NULL,
    provisional INTEGER NOT NULL,
    PRIMARY KEY (case_id, clock_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX clocks_due ON clocks (due_on, case_id) WHERE running;
CREATE INDEX clocks_provisional ON clocks (case_id) WHERE provisional AND running;

-- Evidence; the bytes lie in the object store.
CREATE TABLE attachments (
    case_id BLOB NOT NULL,
    attachment_id BLOB NOT NULL,
    name BLOB NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    object TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    PRIMARY KEY (case_id, attachment_id)
) STRICT, WITHOUT ROWID;

-- Cases that belong together; each direction is a row of its case.
CREATE TABLE links (
    case_id BLOB NOT NULL,
    other_id BLOB NOT NULL,
    relation TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (case_id, other_id, relation)
) STRICT, WITHOUT ROWID;

-- Uniqueness of the reference number.
CREATE TABLE case_numbers (
    reference TEXT NOT NULL PRIMARY KEY,
    case_id BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Uniqueness of the numbers of other systems.
CREATE TABLE external_numbers (
    system TEXT NOT NULL,
    number TEXT NOT NULL,
    case_id BLOB NOT NULL,
    PRIMARY KEY (system, number)
) STRICT, WITHOUT ROWID;

-- One answer for one key: the key is hashed with its scope, the body is hashed.
CREATE TABLE idempotency_keys (
    key_hash BLOB NOT NULL PRIMARY KEY,
    body_hash BLOB NOT NULL,
    case_id BLOB NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Notices owed, one row per destination, written in the unit of work that owes them; claimed per bucket.
CREATE TABLE outbox (
    bucket INTEGER NOT NULL,
    outbox_id BLOB NOT NULL,
    case_id BLOB NOT NULL,
    notice TEXT NOT NULL,
    channel TEXT NOT NULL,
    destination BLOB NOT NULL,
    lang TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    leased_until INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, outbox_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (bucket, due_at) WHERE state = 'pending';

-- Counts of facts by view, kept in the unit of work that changes them. A dimension that a view leaves out is 0 or empty.
CREATE TABLE counters (
    view TEXT NOT NULL,
    grain TEXT NOT NULL,
    on_day TEXT NOT NULL,
    cohort TEXT NOT NULL,
    kind TEXT NOT NULL,
    city INTEGER NOT NULL,
    county INTEGER NOT NULL,
    sector TEXT NOT NULL,
    department TEXT NOT NULL,
    office TEXT NOT NULL,
    station TEXT NOT NULL,
    channel TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    n_received INTEGER NOT NULL,
    n_disposed INTEGER NOT NULL,
    n_decided INTEGER NOT NULL,
    n_decided_in_time INTEGER NOT NULL,
    n_accepted INTEGER NOT NULL,
    n_closed INTEGER NOT NULL,
    n_closed_in_time INTEGER NOT NULL,
    n_station_ended INTEGER NOT NULL,
    n_self_settled INTEGER NOT NULL,
    n_agreed INTEGER NOT NULL,
    n_mediation_ended INTEGER NOT NULL,
    n_mediated_agreed INTEGER NOT NULL,
    n_rated INTEGER NOT NULL,
    n_satisfied INTEGER NOT NULL,
    n_solved INTEGER NOT NULL,
    n_contacted INTEGER NOT NULL,
    n_returned INTEGER NOT NULL,
    n_reopened INTEGER NOT NULL,
    n_withdrawn INTEGER NOT NULL,
    n_refused INTEGER NOT NULL,
    n_transferred INTEGER NOT NULL,
    n_report_verified INTEGER NOT NULL,
    n_report_verified_in_time INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL,
    recovered_fen INTEGER NOT NULL,
    PRIMARY KEY (view, grain, on_day, cohort, kind, city, county, sector, department, office, station, channel, bucket)
) STRICT, WITHOUT ROWID;

-- A closed month as it was; later corrections are revisions.
CREATE TABLE month_snapshots (
    month TEXT NOT NULL,
    revision INTEGER NOT NULL,
    frozen_at INTEGER NOT NULL,
    frozen_by TEXT NOT NULL,
    note TEXT,
    content TEXT NOT NULL,
    PRIMARY KEY (month, revision)
) STRICT, WITHOUT ROWID;

-- Years loaded after the shipped calendar.
CREATE TABLE calendar_years (
    year INTEGER NOT NULL PRIMARY KEY,
    version TEXT NOT NULL,
    days TEXT NOT NULL,
    loaded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts of staff.
CREATE TABLE users (
    username TEXT NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    role TEXT NOT NULL,
    unit TEXT,
    division INTEGER,
    password_hash TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One-time links to make the first account.
CREATE TABLE setup_links (
    token_hash BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

-- What a case is found by: the tokens of one tokeniser in the service, after redaction. rowid is cases.row.
CREATE VIRTUAL TABLE case_search USING fts5(tokens, content='', contentless_delete=1, detail=none, tokenize="unicode61 remove_diacritics 0");
