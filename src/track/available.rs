//! What a role can do with a case now, with what each step carries: what the API offers and the pages draw buttons from.

use crate::config::catalogue::Catalogue;
use crate::domain::case::Case;
use crate::domain::transition::{self, Field, Transition, Value};
use crate::domain::vocabulary::{Action, Role};
use crate::track::{Context, fields, guards};
use serde::Serialize;

/// A step that can be taken now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Available {
    /// The step.
    pub action: Action,
    /// What it carries.
    pub fields: Vec<FieldSpec>,
}

/// A field of a step, told so that a form can be made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldSpec {
    /// Name in the request.
    pub name: &'static str,
    /// Whether this role must give it for this case.
    pub required: bool,
    /// `text`, `code`, `date`, `money`, `boolean`, `integer`, `office`, `sector`, `case`, `cases`, `user`, `demands`, `party`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The codes that it takes, when they can be listed: grounds of the case's rule version, outcomes that fit, accounts
    /// of the unit, names of a party's fields. Offices, sectors and cases have lists of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
    /// Most characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// The steps that a role can take on a case now, conditions considered, in the order of the table.
pub fn available_actions(catalogue: &Catalogue, case: &Case, role: Role, context: &Context<'_>) -> Vec<Available> {
    let rule = catalogue.rule_by_id(&case.rule);
    let spec = |row: &Transition, field: &Field| {
        let (kind, max_length, min, max) = match field.value {
            Value::Text(most) => ("text", Some(most), None, None),
            Value::Code(_) | Value::RefusalGround | Value::TerminationGround => ("code", None, None, None),
            Value::Date | Value::DateAhead => ("date", None, None, None),
            Value::Money => ("money", None, None, None),
            Value::Bool => ("boolean", None, None, None),
            Value::Number(least, most) => ("integer", None, Some(least), Some(most)),
            Value::Office => ("office", None, None, None),
            Value::Sector => ("sector", None, None, None),
            Value::Case => ("case", None, None, None),
            Value::Cases => ("cases", None, None, None),
            Value::User => ("user", None, None, None),
            Value::Demands => ("demands", None, None, None),
            Value::Party(_) => ("party", None, None, None),
        };
        let allowed = match (field.value, fields::own_party(role)) {
            (Value::User, _) => Some(context.accounts.to_vec()),
            // A party speaks for itself only.
            (Value::Code(_), Some(own)) if row.action == Action::RecordConsent => Some(vec![own.code().to_owned()]),
            _ => fields::codes(row.action, field, rule, case),
        };
        FieldSpec { name: field.name, required: field.is_required(role, case), kind, allowed, max_length, min, max }
    };
    transition::open_to(case.kind, case.state, role)
        .filter(|row| guards::blocked(row, case, rule, role, context).is_none())
        .map(|row| Available { action: row.action, fields: row.fields.iter().map(|field| spec(row, field)).collect() })
        .collect()
}
