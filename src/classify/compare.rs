//! Whether a challenger is better than the champion, on texts that neither was fitted on.

use super::answer::Hints;
use super::model::Model;
use serde::Serialize;

/// How often the texts are drawn again.
const DRAWS: usize = 2_000;

/// Fewer texts than these decide nothing.
pub const LEAST_TESTED: usize = 30;

/// A share with its Wilson interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many are right.
    pub right: usize,
    /// Of how many.
    pub of: usize,
    /// `right` ÷ `of`; 0 of none.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// The share of `right` in `of`.
    pub fn new(right: usize, of: usize) -> Self {
        const Z: f64 = 1.96;
        if of == 0 {
            return Self { right, of, share: 0.0, low: 0.0, high: 1.0 };
        }
        let (share, n) = (ratio(right, of), ratio(of, 1));
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * libm::sqrt(share * (1.0 - share) / n + Z * Z / (4.0 * n * n));
        let within = 1.0 + Z * Z / n;
        let end = |end: f64| (end / within).clamp(0.0, 1.0);
        Self { right, of, share, low: end(middle - half), high: end(middle + half) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of texts stay far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// Two models on the same texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// First candidates of the champion.
    pub champion: Share,
    /// First candidates of the challenger.
    pub challenger: Share,
    /// Texts on which only the champion is right.
    pub only_champion: usize,
    /// Texts on which only the challenger is right.
    pub only_challenger: usize,
    /// Share of the challenger less that of the champion.
    pub difference: f64,
    /// Its interval of 95 %: from drawing the texts again and again, both models on the same ones.
    pub interval: [f64; 2],
    /// Whether the whole interval lies above nothing, and the texts are enough.
    pub better: bool,
}

/// Holds two models against each other on texts with their sectors. The same texts give the same answer.
pub fn compare<'a>(
    champion: &Model,
    challenger: &Model,
    texts: impl Iterator<Item = (&'a str, &'a str)>,
) -> Comparison {
    let right = |model: &Model, text: &str, sector: &str| model.classify(text, Hints::default()).sector == sector;
    compared(
        &texts
            .map(|(text, sector)| (right(champion, text, sector), right(challenger, text, sector)))
            .collect::<Vec<_>>(),
    )
}

/// The same for answers that were given: for each text whether the champion and the challenger are right.
pub(super) fn compared(pairs: &[(bool, bool)]) -> Comparison {
    let count = |which: fn(&(bool, bool)) -> bool| pairs.iter().filter(|pair| which(pair)).count();
    let champion = Share::new(count(|pair| pair.0), pairs.len());
    let challenger = Share::new(count(|pair| pair.1), pairs.len());
    let interval = interval(pairs);
    Comparison {
        champion,
        challenger,
        only_champion: count(|pair| pair.0 && !pair.1),
        only_challenger: count(|pair| pair.1 && !pair.0),
        difference: challenger.share - champion.share,
        interval,
        better: pairs.len() >= LEAST_TESTED && interval[0] > 0.0,
    }
}

/// The middle 95 % of the differences over texts drawn with replacement.
fn interval(pairs: &[(bool, bool)]) -> [f64; 2] {
    if pairs.is_empty() {
        return [0.0, 0.0];
    }
    let gain: Vec<i32> =
        pairs.iter().map(|(champion, challenger)| i32::from(*challenger) - i32::from(*champion)).collect();
    // Always the same draws (splitmix64), so that the same texts decide the same.
    let mut state = 0_u64;
    let mut next = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let count = gain.len() as u64;
    let mut sums: Vec<i32> = (0..DRAWS)
        .map(|_| (0..count).filter_map(|_| gain.get(usize::try_from(next() % count).unwrap_or(0))).sum())
        .collect();
    sums.sort_unstable();
    let end = |at: usize| sums.get(at).map_or(0.0, |sum| f64::from(*sum) / ratio(gain.len(), 1));
    [end(DRAWS / 40), end(DRAWS - 1 - DRAWS / 40)]
}

#[cfg(test)]
mod tests {
    use super::{Share, compared};

    #[test]
    fn only_what_is_surely_better_is_better() {
        let pairs = |both: usize, old: usize, new: usize, neither: usize| {
            let mut pairs = vec![(true, true); both];
            pairs.extend(vec![(true, false); old]);
            pairs.extend(vec![(false, true); new]);
            pairs.extend(vec![(false, false); neither]);
            compared(&pairs)
        };
        assert!(pairs(20, 0, 20, 10).better);
        assert!(!pairs(20, 20, 0, 10).better);
        // The same models, and a difference that may be chance.
        assert!(!pairs(40, 0, 0, 10).better);
        assert!(!pairs(30, 4, 6, 10).better);
        // Too few to tell.
        assert!(!pairs(0, 0, 29, 0).better);
        assert!(!compared(&[]).better);
        let told = pairs(20, 2, 12, 6);
        assert_eq!((told.only_champion, told.only_challenger), (2, 12));
        assert!(
            (told.difference - 0.25).abs() < 1e-9 && told.interval[0] < 0.25 && told.interval[1] > 0.25,
            "{told:?}"
        );
        assert_eq!(told, pairs(20, 2, 12, 6));
    }

    /// From the tables of Newcombe (1998), method 3.
    #[test]
    fn intervals_are_wilsons() {
        let share = Share::new(81, 263);
        assert!((share.low - 0.2553).abs() < 1e-4 && (share.high - 0.3662).abs() < 1e-4, "{share:?}");
        let none = Share::new(0, 20);
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 1e-4, "{none:?}");
    }
}
