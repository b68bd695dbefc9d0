//! Counters as rows: one written, and many added up.

use crate::domain::fact::Fact;
use crate::store::counters::{CounterKey, Counts};
use crate::store::schema::counters;
use crate::store::types::On;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// A counter, or what is added to one.
#[derive(Debug, Clone, Insertable, Queryable)]
#[diesel(table_name = counters)]
#[diesel(treat_none_as_default_value = false)]
pub(in crate::store) struct CounterRow {
    pub(in crate::store) view: String,
    pub(in crate::store) grain: String,
    pub(in crate::store) on_day: On,
    pub(in crate::store) cohort: String,
    pub(in crate::store) kind: String,
    pub(in crate::store) city: i32,
    pub(in crate::store) county: i32,
    pub(in crate::store) sector: String,
    pub(in crate::store) department: String,
    pub(in crate::store) office: String,
    pub(in crate::store) station: String,
    pub(in crate::store) channel: String,
    pub(in crate::store) bucket: i16,
    pub(in crate::store) n_received: i64,
    pub(in crate::store) n_disposed: i64,
    pub(in crate::store) n_decided: i64,
    pub(in crate::store) n_decided_in_time: i64,
    pub(in crate::store) n_accepted: i64,
    pub(in crate::store) n_closed: i64,
    pub(in crate::store) n_closed_in_time: i64,
    pub(in crate::store) n_station_ended: i64,
    pub(in crate::store) n_self_settled: i64,
    pub(in crate::store) n_agreed: i64,
    pub(in crate::store) n_mediation_ended: i64,
    pub(in crate::store) n_mediated_agreed: i64,
    pub(in crate::store) n_rated: i64,
    pub(in crate::store) n_satisfied: i64,
    pub(in crate::store) n_solved: i64,
    pub(in crate::store) n_contacted: i64,
    pub(in crate::store) n_returned: i64,
    pub(in crate::store) n_reopened: i64,
    pub(in crate::store) n_withdrawn: i64,
    pub(in crate::store) n_refused: i64,
    pub(in crate::store) n_transferred: i64,
    pub(in crate::store) n_report_verified: i64,
    pub(in crate::store) n_report_verified_in_time: i64,
    pub(in crate::store) amount_fen: i64,
    pub(in crate::store) recovered_fen: i64,
}

impl CounterRow {
    pub(in crate::store) fn new(key: &CounterKey, counts: &Counts, bucket: i16) -> Self {
        Self {
            view: key.view.code().to_owned(),
            grain: key.grain.code().to_owned(),
            on_day: On(key.on),
            cohort: key.cohort.letter().to_owned(),
            kind: super::letter(key.kind).to_owned(),
            city: key.city,
            county: key.county,
            sector: key.sector.clone(),
            department: key.department.clone(),
            office: key.office.clone(),
            station: key.station.clone(),
            channel: key.channel.clone(),
            bucket,
            n_received: counts.facts[0],
            n_disposed: counts.facts[1],
            n_decided: counts.facts[2],
            n_decided_in_time: counts.facts[3],
            n_accepted: counts.facts[4],
            n_closed: counts.facts[5],
            n_closed_in_time: counts.facts[6],
            n_station_ended: counts.facts[7],
            n_self_settled: counts.facts[8],
            n_agreed: counts.facts[9],
            n_mediation_ended: counts.facts[10],
            n_mediated_agreed: counts.facts[11],
            n_rated: counts.facts[12],
            n_satisfied: counts.facts[13],
            n_solved: counts.facts[14],
            n_contacted: counts.facts[15],
            n_returned: counts.facts[16],
            n_reopened: counts.facts[17],
            n_withdrawn: counts.facts[18],
            n_refused: counts.facts[19],
            n_transferred: counts.facts[20],
            n_report_verified: counts.facts[21],
            n_report_verified_in_time: counts.facts[22],
            amount_fen: counts.amount_fen,
            recovered_fen: counts.recovered_fen,
        }
    }
}

/// The numbers of counters added up.
#[derive(QueryableByName)]
pub(super) struct Sums {
    #[diesel(sql_type = BigInt)]
    n_received: i64,
    #[diesel(sql_type = BigInt)]
    n_disposed: i64,
    #[diesel(sql_type = BigInt)]
    n_decided: i64,
    #[diesel(sql_type = BigInt)]
    n_decided_in_time: i64,
    #[diesel(sql_type = BigInt)]
    n_accepted: i64,
    #[diesel(sql_type = BigInt)]
    n_closed: i64,
    #[diesel(sql_type = BigInt)]
    n_closed_in_time: i64,
    #[diesel(sql_type = BigInt)]
    n_station_ended: i64,
    #[diesel(sql_type = BigInt)]
    n_self_settled: i64,
    #[diesel(sql_type = BigInt)]
    n_agreed: i64,
    #[diesel(sql_type = BigInt)]
    n_mediation_ended: i64,
    #[diesel(sql_type = BigInt)]
    n_mediated_agreed: i64,
    #[diesel(sql_type = BigInt)]
    n_rated: i64,
    #[diesel(sql_type = BigInt)]
    n_satisfied: i64,
    #[diesel(sql_type = BigInt)]
    n_solved: i64,
    #[diesel(sql_type = BigInt)]
    n_contacted: i64,
    #[diesel(sql_type = BigInt)]
    n_returned: i64,
    #[diesel(sql_type = BigInt)]
    n_reopened: i64,
    #[diesel(sql_type = BigInt)]
    n_withdrawn: i64,
    #[diesel(sql_type = BigInt)]
    n_refused: i64,
    #[diesel(sql_type = BigInt)]
    n_transferred: i64,
    #[diesel(sql_type = BigInt)]
    n_report_verified: i64,
    #[diesel(sql_type = BigInt)]
    n_report_verified_in_time: i64,
    #[diesel(sql_type = BigInt)]
    amount_fen: i64,
    #[diesel(sql_type = BigInt)]
    recovered_fen: i64,
}

impl From<Sums> for Counts {
    fn from(row: Sums) -> Self {
        Self {
            facts: [
                row.n_received,
                row.n_disposed,
                row.n_decided,
                row.n_decided_in_time,
                row.n_accepted,
                row.n_closed,
                row.n_closed_in_time,
                row.n_station_ended,
                row.n_self_settled,
                row.n_agreed,
                row.n_mediation_ended,
                row.n_mediated_agreed,
                row.n_rated,
                row.n_satisfied,
                row.n_solved,
                row.n_contacted,
                row.n_returned,
                row.n_reopened,
                row.n_withdrawn,
                row.n_refused,
                row.n_transferred,
                row.n_report_verified,
                row.n_report_verified_in_time,
            ],
            amount_fen: row.amount_fen,
            recovered_fen: row.recovered_fen,
        }
    }
}

/// The columns of [`Sums`].
pub(super) fn sums() -> String {
    let facts = Fact::ALL.iter().map(|fact| format!("n_{}", fact.code()));
    let columns = facts.chain(["amount_fen".to_owned(), "recovered_fen".to_owned()]);
    columns.map(|column| format!("CAST(SUM({column}) AS BIGINT) AS {column}")).collect::<Vec<_>>().join(", ")
}
