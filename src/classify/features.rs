//! A text as the linear model sees it: which runs of one to three characters or words stand in it.

/// How many buckets runs are hashed into. A power of two; part of the format of [`Weights`](super::weights::Weights).
pub(super) const BUCKETS: usize = 1 << 17;

/// The longest run.
pub(super) const LONGEST: usize = 3;

/// A Han character, a Latin word or a number. All numbers are one: which amount was paid says nothing of the sector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// First byte in the folded text.
    pub(super) start: u32,
    /// The byte after the last.
    pub(super) end: u32,
    code: u64,
    /// Whether no punctuation stands before it, so that a run may go on.
    joined: bool,
}

/// A run of units, and the bucket it falls into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gram {
    pub(super) bucket: u32,
    /// Index of its first unit.
    pub(super) first: u32,
    /// How many units it has.
    pub(super) units: u32,
}

const NUMBER: u64 = 0x30;

fn mixed(hash: u64, code: u64) -> u64 {
    let product = (hash ^ code).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 29)
}

fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The units of a folded text.
pub(super) fn units(folded: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(folded.len() / 3 + 1);
    let mut joined = false;
    // The word or number that is being read, and whether it is a number.
    let mut open: Option<bool> = None;
    for (at, c) in folded.char_indices() {
        let end = short(at + c.len_utf8());
        let number = c.is_ascii_digit();
        let word = !number && c.is_alphabetic() && u32::from(c) < 0x2E80;
        if number || word {
            match units.last_mut() {
                Some(unit) if open == Some(number) => {
                    unit.end = end;
                    if word {
                        unit.code = mixed(unit.code, u64::from(c));
                    }
                }
                _ => {
                    units.push(Unit { start: short(at), end, code: if number { NUMBER } else { u64::from(c) }, joined })
                }
            }
            open = Some(number);
            joined = true;
        } else if c.is_alphanumeric() {
            units.push(Unit { start: short(at), end, code: u64::from(c), joined });
            open = None;
            joined = true;
        } else {
            open = None;
            // A space separates words, not runs of them.
            joined = joined && c == ' ';
        }
    }
    units
}

/// The runs of a text's units, in the order of the text.
pub(super) fn grams(units: &[Unit]) -> Vec<Gram> {
    let mut grams = Vec::with_capacity(units.len() * LONGEST);
    for first in 0..units.len() {
        let mut hash = 0;
        for (length, unit) in units.iter().skip(first).take(LONGEST).enumerate() {
            if length > 0 && !unit.joined {
                break;
            }
            hash = mixed(hash, unit.code.wrapping_add(1 + length as u64));
            grams.push(Gram { bucket: short((hash >> 47) as usize), first: short(first), units: short(length + 1) });
        }
    }
    grams
}

/// Each run once, where it stands first, by bucket.
pub(super) fn first_of_each(mut grams: Vec<Gram>) -> Vec<Gram> {
    grams.sort_unstable_by_key(|gram| (gram.bucket, gram.first));
    grams.dedup_by_key(|gram| gram.bucket);
    grams
}

impl Unit {
    /// Whether no punctuation stands between the unit before and this one.
    pub(super) fn follows(&self) -> bool {
        self.joined
    }

    /// Whether it is a word by itself: more than a character.
    pub(super) fn is_word(&self) -> bool {
        self.end - self.start > 3
    }
}
