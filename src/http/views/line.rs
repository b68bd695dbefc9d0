//! A line of a list of cases: nothing personal.

use crate::domain::division::Division;
use crate::domain::money::Money;
use crate::http::openapi::{ChannelCode, KindCode, StateCode};
use crate::http::views::names::{Coded, Names};
use crate::store::queue::Line;
use crate::store::types::NEVER;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

/// A line of a list of cases: nothing personal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseLine)]
pub struct LineView {
    /// Number for people.
    pub reference: String,
    /// Complaint or report.
    #[schema(value_type = KindCode)]
    pub kind: String,
    /// Where it stands.
    #[schema(value_type = StateCode)]
    pub state: String,
    /// Version.
    pub version: i64,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Earliest last day of a running limit.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
    /// That day has passed.
    pub overdue: bool,
    /// Day of its end.
    #[schema(value_type = Option<String>, format = Date)]
    pub closed_on: Option<Date>,
    /// Sector.
    pub sector: Coded,
    /// Division.
    pub division: Coded,
    /// Line of the office.
    pub department: String,
    /// Office.
    pub office: Coded,
    /// Station at which it lies or lay.
    pub station: Option<Coded>,
    /// Channel.
    #[schema(value_type = ChannelCode)]
    pub channel: String,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// The merchant.
    pub respondent: Option<String>,
    /// Amount in dispute, yuan.
    #[schema(value_type = Option<String>)]
    pub amount: Option<Money>,
}

/// A page of cases.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasePage {
    /// The cases.
    pub items: Vec<LineView>,
    /// Where the next page begins; `null` at the end.
    pub next_cursor: Option<String>,
}

/// A line of a list.
pub fn line(names: Names<'_>, line: Line, today: Date) -> LineView {
    let due = (line.next_due != NEVER).then_some(line.next_due.0);
    let division = Division::from_number(i64::from(line.division));
    LineView {
        kind: line.kind,
        state: line.state,
        version: line.version,
        received_at: line.received_at.0,
        due,
        overdue: line.closed_on.is_none() && due.is_some_and(|due| due < today),
        closed_on: line.closed_on.map(|day| day.0),
        sector: names.sector(&line.sector),
        division: division.map_or_else(
            |_| Coded { code: line.division.to_string(), name: line.division.to_string() },
            |division| names.division(division),
        ),
        department: line.department,
        office: names.office(&line.office),
        station: Some(line.station).filter(|code| !code.is_empty()).map(|code| names.station(&code)),
        channel: line.channel,
        assigned_to: line.assigned_to,
        respondent: line.respondent,
        amount: line.amount_fen.and_then(Money::from_fen),
        reference: line.reference,
    }
}
