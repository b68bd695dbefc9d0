//! What callers are shown: shapes of answers, and what of a case each caller may see of it.
//!
//! Staff see personal data masked; a consumer sees what they gave themselves. Who reported a violation is shown to nobody
//! but the office that handles the report (Order 121 Art 37), and there masked too. A merchant sees no complainant.

mod case;
mod history;
mod line;
mod names;
mod party;
mod shapes;

pub use case::{
    CaseView, ClassificationView, ClockView, CompetenceView, GroundView, LinkView, Opened, RoutingView, case,
};
pub use history::{EventView, History, history, masked_texts, reads_text};
pub use line::{CasePage, LineView, line};
pub use names::{Coded, Names};
pub use party::{PartyView, is_merchant, names_of_people, sees_filer};

use std::fmt::Write as _;

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
