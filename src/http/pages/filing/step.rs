//! The pages of a filing, in their order, and the questions on each.

use crate::http::pages::form::Fields;
use std::collections::BTreeMap;

/// A page of the filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What happened.
    What,
    /// Which sector.
    Sector,
    /// Against whom.
    Who,
    /// In which county.
    Where,
    /// In which town of it.
    Town,
    /// What would settle it; not asked in a report.
    Wish,
    /// How to reach the person.
    Reach,
    /// All of it, to be looked over.
    Check,
}

impl Step {
    /// All, in their order.
    pub const ALL: [Self; 8] =
        [Self::What, Self::Sector, Self::Who, Self::Where, Self::Town, Self::Wish, Self::Reach, Self::Check];

    /// Its name in addresses and among the texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::What => "what",
            Self::Sector => "sector",
            Self::Who => "who",
            Self::Where => "where",
            Self::Town => "town",
            Self::Wish => "wish",
            Self::Reach => "reach",
            Self::Check => "check",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// Its address.
    pub fn path(self) -> String {
        format!("/file/{}", self.name())
    }

    /// The questions on it, in their order.
    pub const fn questions(self) -> &'static [&'static str] {
        match self {
            Self::What => &["kind", "narrative"],
            Self::Sector => &["sector", "sector_own"],
            Self::Who => {
                &["respondent_name", "respondent_address", "platform_name", "respondent_phone", "respondent_uscc"]
            }
            Self::Where => &["place"],
            Self::Town => &["town"],
            Self::Wish => &["demands", "amount", "incident_date", "settle_first"],
            Self::Reach => &["anonymous", "name", "phone", "email", "address", "platform_number"],
            Self::Check => &[],
        }
    }

    /// Puts what was sent in the place of what was answered on this page before.
    pub fn take(self, answers: &mut BTreeMap<String, Vec<String>>, sent: Fields) {
        if self == Self::Where
            && answers.get("place").and_then(|place| place.first()).map(String::as_str) != Some(sent.get("place"))
        {
            // A town of another county.
            answers.remove("town");
        }
        let mut sent = sent.into_all();
        for question in self.questions() {
            match sent.remove(*question) {
                Some(values) if values.iter().any(|value| !value.trim().is_empty()) => {
                    answers.insert((*question).to_owned(), values);
                }
                _ => {
                    answers.remove(*question);
                }
            }
        }
    }

    /// Whether the page is shown, as things stand.
    fn applies(self, fields: &Fields) -> bool {
        match self {
            Self::Town => fields.get("place").len() == 6,
            Self::Wish => fields.get("kind") != "report",
            _ => true,
        }
    }

    /// The page after this one.
    pub fn next(self, fields: &Fields) -> Self {
        let after = Self::ALL.into_iter().skip_while(|step| *step != self).skip(1);
        after.into_iter().find(|step| step.applies(fields)).unwrap_or(Self::Check)
    }

    /// The page before this one; nothing before the first.
    pub fn before(self, fields: &Fields) -> Option<Self> {
        let before = Self::ALL.into_iter().take_while(|step| *step != self);
        before.filter(|step| step.applies(fields)).last()
    }

    /// Its number and how many there are, as people count them: the town belongs to the place, and the last look is none.
    pub fn number(self, fields: &Fields) -> Option<(usize, usize)> {
        let counted = |step: &Self| !matches!(step, Self::Town | Self::Check) && step.applies(fields);
        let all: Vec<Self> = Self::ALL.into_iter().filter(counted).collect();
        let own = if self == Self::Town { Self::Where } else { self };
        all.iter().position(|step| *step == own).map(|place| (place + 1, all.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            fields.add(name, value);
        }
        fields
    }

    #[test]
    fn a_report_is_not_asked_what_would_settle_it() {
        let complaint = fields(&[("kind", "complaint"), ("place", "320115")]);
        let report = fields(&[("kind", "report"), ("place", "unknown")]);
        assert_eq!(Step::Where.next(&complaint), Step::Town);
        assert_eq!(Step::Town.next(&complaint), Step::Wish);
        assert_eq!(Step::Where.next(&report), Step::Reach);
        assert_eq!(Step::Reach.before(&report), Some(Step::Where));
        assert_eq!((Step::What.before(&report), Step::Check.next(&report)), (None, Step::Check));
        assert_eq!((Step::Wish.number(&complaint), Step::Reach.number(&report)), (Some((5, 6)), Some((5, 5))));
        assert_eq!((Step::Town.number(&complaint), Step::Check.number(&complaint)), (Some((4, 6)), None));
    }

    #[test]
    fn what_is_sent_replaces_the_answers_of_its_page_only() {
        let mut answers = BTreeMap::new();
        Step::What.take(&mut answers, fields(&[("kind", "complaint"), ("narrative", "x"), ("name", "y")]));
        Step::Where.take(&mut answers, fields(&[("place", "320115")]));
        Step::Town.take(&mut answers, fields(&[("town", "320115001")]));
        assert!(!answers.contains_key("name"), "{answers:?}");
        Step::Where.take(&mut answers, fields(&[("place", "320115")]));
        assert!(answers.contains_key("town"));
        Step::Where.take(&mut answers, fields(&[("place", "320102")]));
        assert!(!answers.contains_key("town"));
        Step::What.take(&mut answers, fields(&[("kind", "report"), ("narrative", " ")]));
        assert_eq!(answers.get("kind"), Some(&vec!["report".to_owned()]));
        assert!(!answers.contains_key("narrative"));
    }
}
