//! How the machine's choices did, by what staff said of them.

use super::Heard;
use crate::classify::Share;
use crate::track::verdicts::{Machine, Word};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Fewer examples of a sector than these are too few.
const ENOUGH: usize = 30;

/// Share of the machine's right choices below which a sector needs more examples.
const GOOD: f64 = 0.8;

/// Verdicts that each half of a channel must have before a change is told.
const LEAST: usize = 20;

/// Cases that went another way than the machine chose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Misroute {
    /// What the machine chose.
    pub machine: String,
    /// What staff said; `None` when an office gave it back without a sector.
    pub staff: Option<String>,
    /// How many.
    pub cases: usize,
    /// Of these, how many the machine had been sure of.
    pub sure: usize,
}

/// How right the machine is on one channel, earlier and later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Channel.
    pub channel: String,
    /// The older half of its verdicts.
    pub earlier: Share,
    /// The newer half.
    pub later: Share,
    /// Whether the two intervals lie apart: then it isn't chance.
    pub drifted: bool,
}

/// How a sector stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// Its code.
    pub sector: String,
    /// Different texts that staff said are of it.
    pub examples: usize,
    /// How often the machine was right on them.
    pub right: Share,
    /// Whether it has too few examples, or is found too seldom.
    pub needs_more: bool,
}

/// How the machine's choices did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Verdicts on sectors and returns that could be read.
    pub verdicts: usize,
    /// Verdicts whose case was erased or isn't there.
    pub left_out: usize,
    /// How often staff agreed with the machine.
    pub confirmed: Share,
    /// Cases that an office gave back after the machine's choice.
    pub returned: usize,
    /// What went another way, the most frequent first.
    pub misroutes: Vec<Misroute>,
    /// By channel.
    pub channels: Vec<Drift>,
    /// By sector.
    pub sectors: Vec<Need>,
}

impl Report {
    pub(super) fn of(
        heard: &[Heard],
        left_out: usize,
        examples: &[(Timestamp, String, String)],
        sectors: &[String],
    ) -> Self {
        // For each verdict of which it is known: what the machine said, what staff said, and the channel; in the order of time.
        let judged: Vec<(&Machine, &str, &str)> = heard
            .iter()
            .filter_map(|one| match (&one.verdict.word, &one.verdict.machine) {
                (Word::Sector(sector), Some(machine)) => Some((machine, sector.as_str(), one.channel.as_str())),
                _ => None,
            })
            .collect();
        let right = |(machine, sector, _): &&(&Machine, &str, &str)| machine.sector == *sector;
        let share = |of: &[&(&Machine, &str, &str)]| Share::new(of.iter().filter(|one| right(one)).count(), of.len());
        let all: Vec<_> = judged.iter().collect();
        let mut channels: BTreeMap<&str, Vec<&(&Machine, &str, &str)>> = BTreeMap::new();
        for one in &judged {
            channels.entry(one.2).or_default().push(one);
        }
        let channels = channels.into_iter().map(|(channel, all)| {
            let (earlier, later) = all.split_at(all.len() / 2);
            let (earlier, later) = (share(earlier), share(later));
            let enough = earlier.of >= LEAST && later.of >= LEAST;
            let apart = earlier.high < later.low || later.high < earlier.low;
            Drift { channel: channel.to_owned(), earlier, later, drifted: enough && apart }
        });
        let sectors = sectors.iter().map(|sector| {
            let of: Vec<_> = judged.iter().filter(|one| one.1 == sector).collect();
            let examples = examples.iter().filter(|(_, _, said)| said == sector).count();
            let right = share(&of);
            let needs_more = examples < ENOUGH || right.share < GOOD;
            Need { sector: sector.clone(), examples, right, needs_more }
        });
        Self {
            verdicts: heard.len(),
            left_out,
            confirmed: share(&all),
            returned: heard.iter().filter(|one| one.verdict.word == Word::Returned).count(),
            misroutes: misroutes(heard),
            channels: channels.collect(),
            sectors: sectors.collect(),
        }
    }
}

fn misroutes(heard: &[Heard]) -> Vec<Misroute> {
    let mut found: BTreeMap<(&str, Option<&str>), (usize, usize)> = BTreeMap::new();
    for one in heard {
        let Some(machine) = &one.verdict.machine else { continue };
        let staff = match &one.verdict.word {
            Word::Sector(sector) if *sector == machine.sector => continue,
            Word::Sector(sector) => Some(sector.as_str()),
            Word::Returned => None,
        };
        let (cases, sure) = found.entry((&machine.sector, staff)).or_default();
        *cases += 1;
        *sure += usize::from(!machine.abstained);
    }
    let mut misroutes: Vec<Misroute> = found
        .into_iter()
        .map(|((machine, staff), (cases, sure))| Misroute {
            machine: machine.to_owned(),
            staff: staff.map(str::to_owned),
            cases,
            sure,
        })
        .collect();
    misroutes.sort_by_key(|one| std::cmp::Reverse(one.cases));
    misroutes
}
