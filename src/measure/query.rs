//! A question to the statistics, read from the parameters of a request.

use crate::config::catalogue::Catalogue;
use crate::domain::division::{Division, Level};
use crate::domain::fact::Fact;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::{Channel, Kind, Lang};
use crate::measure::rates::{self, Measure, Rate, SMALL};
use crate::store::counters::{Cohort, Dimension, Interval};
use crate::store::queue::{Behind, Dimensions, OpenPart};
use jiff::ToSpan;
use jiff::civil::Date;

/// A period and the values that dimensions are narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// By which day cases belong to the period; not given, each rate goes by its own.
    pub cohort: Option<Cohort>,
    /// Of one kind only.
    pub kind: Option<Kind>,
    /// Province, city or county, with what lies below it.
    pub division: Option<Division>,
    /// The division without what lies below it.
    pub exact: bool,
    /// Sector.
    pub sector: Option<String>,
    /// Department (line).
    pub department: Option<String>,
    /// Office.
    pub office: Option<String>,
    /// Station.
    pub station: Option<String>,
    /// Channel.
    pub channel: Option<Channel>,
    /// Dimension whose values are shown apart.
    pub by: Option<Dimension>,
    /// Periods that are shown apart.
    pub interval: Option<Interval>,
    /// Language of names and definitions.
    pub lang: Lang,
    /// Cases below which a rate is shown as counts; at least 1.
    pub small: i64,
}

/// Which cases of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those that it counts as a success.
    Numerator,
    /// Those that it counts.
    Denominator,
    /// Those that it leaves out because nothing is due yet.
    Excluded,
}

impl Part {
    /// As it is asked for.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Numerator => "numerator",
            Self::Denominator => "denominator",
            Self::Excluded => "excluded",
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// Lists the parts when it is none of them.
    pub fn parse(code: &str) -> Result<Self, Invalid> {
        one_of("unknown part", code, &[Self::Numerator, Self::Denominator, Self::Excluded], Self::code)
    }
}

/// Every dimension as it is asked for with `by`.
pub const BY: &[(&str, Dimension)] = &[
    ("sector", Dimension::Sector),
    ("department", Dimension::Department),
    ("office", Dimension::Office),
    ("station", Dimension::Station),
    ("channel", Dimension::Channel),
    ("city", Dimension::City),
    ("county", Dimension::County),
];

/// Longest span: a longer one would be asked for by mistake, and by days would be a very long answer.
const MOST_YEARS: i64 = 20;
const MOST_DAYS: i32 = 1100;

fn one_of<T: Copy>(
    detail: &'static str,
    code: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, Invalid> {
    all.iter().copied().find(|value| name(*value) == code).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|value| name(*value)).collect();
        Invalid::new("unknown_value", detail).allowed(names.join(", "))
    })
}

fn date(text: &str) -> Result<Date, Invalid> {
    let fault = || Invalid::new("date", "not a date").allowed("YYYY-MM-DD");
    // The parser also takes 20261124 and a time behind the date; the contract doesn't.
    if text.len() == 10 { text.parse().map_err(|_| fault()) } else { Err(fault()) }
}

impl Query {
    /// Everything between two days.
    pub const fn over(from: Date, to: Date) -> Self {
        Self {
            from,
            to,
            cohort: None,
            kind: None,
            division: None,
            exact: false,
            sector: None,
            department: None,
            office: None,
            station: None,
            channel: None,
            by: None,
            interval: None,
            lang: Lang::Zh,
            small: SMALL,
        }
    }

    /// Reads the parameters of a request. Without a period it is this year up to today.
    ///
    /// # Errors
    /// Every fault: a parameter that doesn't exist or stands twice, a code that the catalogue doesn't know, `from` after `to`.
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
        catalogue: &Catalogue,
        today: Date,
    ) -> Result<Self, Problems> {
        let (mut from, mut to) = (None, None);
        let mut query = Self::over(today, today);
        let mut problems = Problems::default();
        let mut seen = std::collections::BTreeSet::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            if !seen.insert(name.to_owned()) {
                problems.at(pointer, Invalid::new("duplicate", "given twice"));
                continue;
            }
            let known = |found: bool, what: &str| {
                if found { Ok(value.to_owned()) } else { Err(Invalid::new("unknown_value", format!("unknown {what}"))) }
            };
            match name {
                "from" => from = problems.take(pointer, date(value)),
                "to" => to = problems.take(pointer, date(value)),
                "cohort" => {
                    let parsed = one_of("unknown cohort", value, &[Cohort::Received, Cohort::Closed], Cohort::code);
                    query.cohort = problems.take(pointer, parsed);
                }
                "kind" => query.kind = problems.take(pointer, Kind::parse(value)),
                "division" => query.division = problems.take(pointer, division(value, catalogue)),
                "exact" => {
                    let parsed = one_of("neither true nor false", value, &["true", "false"], |text| text);
                    query.exact = problems.take(pointer, parsed) == Some("true");
                }
                "sector" => query.sector = problems.take(pointer, known(catalogue.sector(value).is_some(), "sector")),
                "department" => query.department = problems.take(pointer, line(value, catalogue)),
                "office" => {
                    query.office = problems.take(pointer, known(catalogue.offices.contains_key(value), "office"));
                }
                "station" => {
                    query.station = problems.take(pointer, known(catalogue.stations.contains_key(value), "station"));
                }
                "channel" => query.channel = problems.take(pointer, Channel::parse(value)),
                "by" => {
                    let parsed = BY.iter().find(|(code, _)| *code == value).map(|(_, dimension)| *dimension);
                    let parsed = parsed.ok_or_else(|| {
                        let all: Vec<_> = BY.iter().map(|(code, _)| *code).collect();
                        Invalid::new("unknown_value", "unknown dimension").allowed(all.join(", "))
                    });
                    query.by = problems.take(pointer, parsed);
                }
                "interval" => {
                    let all = [Interval::Day, Interval::Week, Interval::Month];
                    query.interval = problems.take(pointer, one_of("unknown interval", value, &all, Interval::code));
                }
                "lang" => query.lang = problems.take(pointer, Lang::parse(value)).unwrap_or(Lang::Zh),
                _ => problems.at(pointer, Invalid::new("unknown_field", "no such parameter").allowed(PARAMETERS)),
            }
        }
        // A period with one end: up to today, or from the beginning of the year of the other.
        query.to = to.unwrap_or_else(|| from.map_or(today, |from| from.max(today)));
        query.from = from.unwrap_or_else(|| query.to.first_of_year());
        if problems.0.iter().all(|problem| problem.pointer != "/from" && problem.pointer != "/to") {
            query.check_period(&mut problems);
        }
        problems.check()?;
        Ok(query)
    }

    fn check_period(&self, problems: &mut Problems) {
        if self.from > self.to {
            problems.at("/from", Invalid::new("range", "after the last day of the period").allowed("from ≤ to"));
        } else if self.from.saturating_add(MOST_YEARS.years()) < self.to {
            problems.at("/from", Invalid::new("range", "too long a period").allowed("at most 20 years"));
        } else if self.interval == Some(Interval::Day)
            && self.from.until(self.to).map_or(i32::MAX, |span| span.get_days()) > MOST_DAYS
        {
            problems.at("/interval", Invalid::new("range", "too long a period by days").allowed("at most 1100 days"));
        }
    }

    /// Reads the parameters of a request for the cases behind a rate: the same, with `rate` and `part`.
    ///
    /// # Errors
    /// Every fault, as [`Query::parse`].
    pub fn parse_cases<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
        catalogue: &Catalogue,
        today: Date,
    ) -> Result<(Self, &'static Rate, Part), Problems> {
        let mut problems = Problems::default();
        let (mut rate, mut part) = (None, None);
        let mut others = Vec::new();
        let (mut rate_given, mut part_given) = (false, false);
        for (name, value) in pairs {
            match name.as_ref() {
                "rate" => {
                    rate_given = true;
                    rate = problems.take("/rate", rates::find(value.as_ref()));
                }
                "part" => {
                    part_given = true;
                    part = problems.take("/part", Part::parse(value.as_ref()));
                }
                _ => others.push((name, value)),
            }
        }
        if !rate_given {
            problems.at("/rate", Invalid::new("required", "which rate"));
        }
        if !part_given {
            problems.at("/part", Invalid::new("required", "which part").allowed("numerator, denominator, excluded"));
        }
        let query = match Self::parse(others, catalogue, today) {
            Ok(query) => Some(query),
            Err(more) => {
                problems.0.extend(more.0);
                None
            }
        };
        if let (Some(query), Some(rate), Some(part)) = (&query, rate, part)
            && behind(query, rate, part, today).is_none()
        {
            let fault = Invalid::new("unknown_value", "no cases lie behind this part of this rate");
            problems.at("/part", fault);
        }
        match (query, rate, part) {
            (Some(query), Some(rate), Some(part)) if problems.0.is_empty() => Ok((query, rate, part)),
            _ => Err(problems),
        }
    }

    /// By which day a rate goes in this question.
    pub fn cohort_of(&self, rate: &Rate) -> Cohort {
        self.cohort.unwrap_or(rate.cohort)
    }

    /// Whether a rate is asked for.
    pub fn shows(&self, rate: &Rate) -> bool {
        self.kind.is_none_or(|kind| kind == rate.kind)
    }

    /// The dimensions as the store takes them.
    pub fn dimensions(&self) -> Dimensions {
        let number = |code: u32| i32::try_from(code).unwrap_or(i32::MAX);
        Dimensions {
            division: self.division.map(|division| {
                let range = division.six_digit_range();
                let end = if self.exact { range.start + 1 } else { range.end };
                (number(range.start), number(end))
            }),
            sector: self.sector.clone(),
            department: self.department.clone(),
            office: self.office.clone(),
            station: self.station.clone(),
            channel: self.channel.map(|channel| channel.code().to_owned()),
        }
    }

    /// The address under which the cases of a part of a rate are listed; `None` when there is no such list.
    pub fn cases_url(&self, rate: &Rate, part: Part, today: Date) -> Option<String> {
        behind(self, rate, part, today)?;
        let mut url = format!(
            "/api/v1/metrics/cases?rate={}&part={}&from={}&to={}&cohort={}",
            rate.code,
            part.code(),
            self.from,
            self.to,
            self.cohort_of(rate).code()
        );
        let division = self.division.map(|division| division.to_string());
        let filters = [
            ("division", division.as_deref()),
            ("exact", self.exact.then_some("true")),
            ("sector", self.sector.as_deref()),
            ("department", self.department.as_deref()),
            ("office", self.office.as_deref()),
            ("station", self.station.as_deref()),
            ("channel", self.channel.map(Channel::code)),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                url.push('&');
                url.push_str(name);
                url.push('=');
                encode(&mut url, value);
            }
        }
        Some(url)
    }
}

const PARAMETERS: &str =
    "from, to, cohort, kind, division, exact, sector, department, office, station, channel, by, interval, lang";

/// Percent-encodes all but the unreserved characters (RFC 3986).
fn encode(url: &mut String, value: &str) {
    use std::fmt::Write;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

fn division(text: &str, catalogue: &Catalogue) -> Result<Division, Invalid> {
    let division = Division::parse(text)?;
    if division.level() == Level::Town {
        return Err(Invalid::new("division", "numbers are kept by county").allowed("province, city or county"));
    }
    let unknown = || Invalid::new("unknown_value", "unknown division");
    catalogue.places.get(division).map(|place| place.code).ok_or_else(unknown)
}

/// A department by its line or by its provincial code, as its line.
fn line(text: &str, catalogue: &Catalogue) -> Result<String, Invalid> {
    let found = match catalogue.departments.get(text) {
        Some(department) => Some(&department.line),
        None => catalogue.departments.values().map(|department| &department.line).find(|line| *line == text),
    };
    found.cloned().ok_or_else(|| Invalid::new("unknown_value", "unknown department"))
}

/// What to list so that every case of the period comes, received in it unless the question says otherwise.
pub fn all(query: &Query) -> Behind {
    Behind {
        cohort: query.cohort.unwrap_or(Cohort::Received),
        from: query.from,
        to: query.to,
        kind: query.kind,
        having: 0,
        lacking: 0,
        or_overdue_on: None,
        open: None,
        recovered: false,
        dimensions: query.dimensions(),
    }
}

/// What to list so that exactly the cases of a part of a rate come. `None` when no cases lie behind it.
pub fn behind(query: &Query, rate: &Rate, part: Part, today: Date) -> Option<Behind> {
    let cases = Behind { cohort: query.cohort_of(rate), kind: Some(rate.kind), ..all(query) };
    Some(match (rate.measure, part) {
        (Measure::Share { of, .. } | Measure::ShareOrDue { of, .. }, Part::Numerator) => {
            Behind { having: of.bit(), ..cases }
        }
        (Measure::Share { among, .. }, Part::Denominator) => Behind { having: among.bit(), ..cases },
        (Measure::ShareOrDue { among, .. }, Part::Denominator) => {
            Behind { having: among.bit(), or_overdue_on: Some(today), ..cases }
        }
        (Measure::ShareOrDue { .. }, Part::Excluded) => {
            Behind { lacking: Fact::Disposed.bit(), open: Some(OpenPart::NotDue(today)), ..cases }
        }
        (Measure::Overdue, Part::Numerator) => Behind { open: Some(OpenPart::PastDue(today)), ..cases },
        (Measure::Overdue, Part::Denominator) => Behind { open: Some(OpenPart::Any), ..cases },
        (Measure::Recovered, Part::Numerator) => Behind { recovered: true, ..cases },
        (Measure::PerResidents, Part::Numerator) => Behind { having: Fact::Received.bit(), ..cases },
        (Measure::Coverage, _)
        | (Measure::Share { .. } | Measure::Overdue, Part::Excluded)
        | (Measure::Recovered | Measure::PerResidents, Part::Denominator | Part::Excluded) => return None,
    })
}
