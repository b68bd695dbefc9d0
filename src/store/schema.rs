//! The tables, once for both engines: what differs between them is in the types and the migrations.

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    cases (case_id) {
        case_id -> Uid,
        reference -> Text,
        kind -> Text,
        state -> Text,
        is_open -> Bool,
        version -> BigInt,
        received_at -> Ts,
        received_on -> Day,
        next_due -> Day,
        decision_due -> Nullable<Day>,
        closed_on -> Nullable<Day>,
        sector -> Text,
        division -> Integer,
        department -> Text,
        office -> Text,
        station -> Text,
        channel -> Text,
        assigned_to -> Nullable<Text>,
        facts -> BigInt,
        respondent -> Nullable<Text>,
        respondent_hash -> Nullable<Binary>,
        complainant_hash -> Nullable<Binary>,
        amount_fen -> Nullable<BigInt>,
        recovered_fen -> Nullable<BigInt>,
        data_key -> Binary,
        narrative -> Binary,
        doc -> Binary,
        last_hash -> Binary,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    parties (case_id, party_no) {
        case_id -> Uid,
        party_no -> SmallInt,
        role -> Text,
        name -> Nullable<Binary>,
        phone -> Nullable<Binary>,
        email -> Nullable<Binary>,
        address -> Nullable<Binary>,
        id_type -> Nullable<Text>,
        id_number -> Nullable<Binary>,
        uscc -> Nullable<Text>,
        phone_hash -> Nullable<Binary>,
        email_hash -> Nullable<Binary>,
        id_hash -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    events (case_id, seq) {
        case_id -> Uid,
        seq -> BigInt,
        at -> Ts,
        action -> Text,
        from_state -> Nullable<Text>,
        to_state -> Text,
        role -> Text,
        actor -> Nullable<Text>,
        unit -> Nullable<Text>,
        data -> Binary,
        sealed -> Nullable<Binary>,
        commitment -> Nullable<Binary>,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    clocks (case_id, clock_no) {
        case_id -> Uid,
        clock_no -> SmallInt,
        kind -> Text,
        start_on -> Day,
        due_on -> Day,
        running -> Bool,
        provisional -> Bool,
        stage -> SmallInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::Ts;
    leases (name) {
        name -> Text,
        fence -> BigInt,
        held_until -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    attachments (case_id, attachment_id) {
        case_id -> Uid,
        attachment_id -> Uid,
        name -> Binary,
        media_type -> Text,
        size -> BigInt,
        sha256 -> Binary,
        object -> Text,
        added_at -> Ts,
        added_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    documents (case_id, document_no) {
        case_id -> Uid,
        document_no -> SmallInt,
        kind -> Text,
        number -> Text,
        office -> Text,
        issued_at -> Ts,
        issued_by -> Text,
        page -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    document_deliveries (case_id, document_no, delivery_no) {
        case_id -> Uid,
        document_no -> SmallInt,
        delivery_no -> SmallInt,
        party -> Text,
        way -> Text,
        delivered_on -> Day,
        recorded_at -> Ts,
        recorded_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    document_numbers (office, series, year) {
        office -> Text,
        series -> Text,
        year -> SmallInt,
        last -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    links (case_id, other_id, relation) {
        case_id -> Uid,
        other_id -> Uid,
        relation -> Text,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    case_numbers (reference) {
        reference -> Text,
        case_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    external_numbers (system, number) {
        system -> Text,
        number -> Text,
        case_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    idempotency_keys (key_hash) {
        key_hash -> Binary,
        body_hash -> Binary,
        case_id -> Uid,
        answer -> Text,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    outbox (bucket, outbox_id) {
        bucket -> SmallInt,
        outbox_id -> Uid,
        case_id -> Nullable<Uid>,
        event_seq -> Nullable<BigInt>,
        notice -> Text,
        channel -> Text,
        audience -> Text,
        lane -> Text,
        destination -> Binary,
        payload -> Binary,
        data_key -> Nullable<Binary>,
        lang -> Text,
        urgent -> Bool,
        state -> Text,
        attempts -> Integer,
        due_at -> Ts,
        expires_at -> Nullable<Ts>,
        lease -> Nullable<Uid>,
        leased_until -> Nullable<Ts>,
        fault -> Nullable<Text>,
        created_at -> Ts,
        ended_at -> Nullable<Ts>,
        ended_by -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    counters (view, grain, on_day, cohort, kind, city, county, sector, department, office, station, channel, bucket) {
        view -> Text,
        grain -> Text,
        on_day -> Day,
        cohort -> Text,
        kind -> Text,
        city -> Integer,
        county -> Integer,
        sector -> Text,
        department -> Text,
        office -> Text,
        station -> Text,
        channel -> Text,
        bucket -> SmallInt,
        n_received -> BigInt,
        n_disposed -> BigInt,
        n_decided -> BigInt,
        n_decided_in_time -> BigInt,
        n_accepted -> BigInt,
        n_closed -> BigInt,
        n_closed_in_time -> BigInt,
        n_station_ended -> BigInt,
        n_self_settled -> BigInt,
        n_agreed -> BigInt,
        n_mediation_ended -> BigInt,
        n_mediated_agreed -> BigInt,
        n_rated -> BigInt,
        n_satisfied -> BigInt,
        n_solved -> BigInt,
        n_contacted -> BigInt,
        n_returned -> BigInt,
        n_reopened -> BigInt,
        n_withdrawn -> BigInt,
        n_refused -> BigInt,
        n_transferred -> BigInt,
        n_report_verified -> BigInt,
        n_report_verified_in_time -> BigInt,
        amount_fen -> BigInt,
        recovered_fen -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    month_snapshots (month, revision) {
        month -> Day,
        revision -> Integer,
        frozen_at -> Ts,
        frozen_by -> Text,
        note -> Nullable<Text>,
        content -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    calendar_years (year) {
        year -> Integer,
        version -> Text,
        days -> Text,
        loaded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    users (username) {
        username -> Text,
        user_id -> Uid,
        role -> Text,
        unit -> Nullable<Text>,
        division -> Nullable<Integer>,
        password_hash -> Text,
        disabled -> Bool,
        created_at -> Ts,
        changed_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    setup_links (token_hash) {
        token_hash -> Binary,
        expires_at -> Ts,
        used_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    audit (writer, seq) {
        writer -> Text,
        seq -> BigInt,
        entry_id -> Uid,
        at -> Ts,
        kind -> Text,
        role -> Text,
        actor -> Nullable<Text>,
        unit -> Nullable<Text>,
        division -> Nullable<Integer>,
        case_id -> Nullable<Uid>,
        request_id -> Nullable<Text>,
        data -> Text,
        sealed -> Nullable<Binary>,
        commitment -> Nullable<Binary>,
        previous -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    audit_heads (writer) {
        writer -> Text,
        seq -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    legal_holds (case_id) {
        case_id -> Uid,
        placed_at -> Ts,
        placed_by -> Text,
        reason -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    corrections (case_id, correction_no) {
        case_id -> Uid,
        correction_no -> SmallInt,
        asked_at -> Ts,
        state -> Text,
        wanted -> Binary,
        decided_at -> Nullable<Ts>,
        decided_by -> Nullable<Text>,
        answer -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    erasures (case_id) {
        case_id -> Uid,
        erased_at -> Ts,
        class -> Text,
        files_gone_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    sessions (session_id) {
        session_id -> Uid,
        owner_kind -> Text,
        owner -> Text,
        carrier -> Text,
        secret_hash -> Binary,
        created_at -> Ts,
        seen_at -> Ts,
        ends_at -> Ts,
        ended_at -> Nullable<Ts>,
        ended_why -> Nullable<Text>,
        proved_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    spent_tokens (session_id, token_hash) {
        session_id -> Uid,
        token_hash -> Binary,
        spent_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    verdicts (case_id, seq) {
        case_id -> Uid,
        seq -> BigInt,
        at -> Ts,
        channel -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    models (version) {
        version -> Integer,
        state -> Text,
        made_at -> Ts,
        fitted_until -> Ts,
        weights -> Binary,
        report -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    tries (sort, subject) {
        sort -> Text,
        subject -> Binary,
        tried -> Integer,
        last_at -> Ts,
        wait_until -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::Ts;
    subject_links (link_hash) {
        link_hash -> Binary,
        username -> Text,
        linked_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::Ts;
    spent_states (state_hash) {
        state_hash -> Binary,
        spent_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    codes (kind, contact) {
        kind -> Text,
        contact -> Binary,
        code_hash -> Binary,
        expires_at -> Ts,
        tried -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    second_factors (username) {
        username -> Text,
        factor_id -> Uid,
        data_key -> Binary,
        secret -> Binary,
        last_step -> BigInt,
        created_at -> Ts,
        confirmed_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    recovery_codes (username, code_hash) {
        username -> Text,
        code_hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::Ts;
    drafts (token_hash) {
        token_hash -> Binary,
        data_key -> Binary,
        fields -> Binary,
        expires_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    webhooks (webhook_id) {
        webhook_id -> Uid,
        data_key -> Binary,
        url -> Binary,
        secret -> Binary,
        old_secret -> Nullable<Binary>,
        old_secret_until -> Nullable<Ts>,
        actions -> Text,
        kinds -> Text,
        division -> Nullable<Integer>,
        enabled -> Bool,
        disabled_by -> Nullable<Text>,
        failing_since -> Nullable<Ts>,
        fault -> Nullable<Text>,
        succeeded_at -> Nullable<Ts>,
        created_at -> Ts,
        created_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    watch_counts (kind, subject, division, on_day) {
        kind -> Text,
        subject -> Text,
        division -> Integer,
        on_day -> Day,
        people -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    watch_alarms (kind, subject, raised_on) {
        kind -> Text,
        subject -> Text,
        raised_on -> Day,
        observed -> Integer,
        expected -> Double,
        probability -> Double,
        raised_at -> Ts,
        seen_at -> Nullable<Ts>,
        seen_by -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    case_groups (group_id) {
        group_id -> Uid,
        version -> BigInt,
        office -> Text,
        department -> Text,
        division -> Integer,
        opened_at -> Ts,
        opened_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    group_members (group_id, case_id) {
        group_id -> Uid,
        case_id -> Uid,
        state -> Text,
        since -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Day, Ts, Uid};
    group_questions (group_id, question_no) {
        group_id -> Uid,
        question_no -> SmallInt,
        kind -> Text,
        first_case -> Nullable<Uid>,
        second_case -> Nullable<Uid>,
        performance_on -> Nullable<Day>,
        asked_at -> Ts,
        asked_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{Ts, Uid};
    group_answers (group_id, question_no, case_id) {
        group_id -> Uid,
        question_no -> SmallInt,
        case_id -> Uid,
        amount_fen -> Nullable<BigInt>,
        agreed -> Nullable<Bool>,
        way -> Nullable<Text>,
        answered_at -> Nullable<Ts>,
        answered_by -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    cases,
    parties,
    events,
    clocks,
    attachments,
    links,
    outbox,
    legal_holds,
    erasures
);
