//! Whether a count of a week has risen beyond its usual range. Pure arithmetic.
//!
//! The count of the last seven days is held against the weeks before them. What is expected is a negative binomial: its mean is that
//! of the weeks behind (drawn a little towards one case in two weeks, so that what was never seen isn't expected never to come),
//! its spread is what those weeks show beyond chance, the more the more cases they have, and never less than [`LEAST_SPREAD`]; how
//! little is known of a mean from few cases widens it further. An alarm needs a count so large that over all subjects and days of a year no more than the set number of
//! false alarms is expected, and besides that the least number of people and [`LEAST_FACTOR`] times what is usual: a small number
//! never alarms, however rare it is.

/// Weeks without which nothing is called usual.
pub const LEAST_WEEKS: usize = 4;

/// Share of its mean by which a usual week differs from another one beyond chance, squared.
const LEAST_SPREAD: f64 = 0.1;

/// Cases with which half of the spread that the weeks show is believed: few cases are unevenly spread by chance.
const BELIEVED: f64 = 24.0;

/// What is believed of a subject before any of its weeks is seen: so many cases in [`PRIOR_WEEKS`].
const PRIOR_CASES: f64 = 0.5;

/// See [`PRIOR_CASES`].
const PRIOR_WEEKS: f64 = 1.0;

/// An alarm needs so many times the usual count.
const LEAST_FACTOR: f64 = 2.0;

/// Days of a year on which every subject is looked at.
const LOOKS: f64 = 365.0;

/// Fewer subjects than these are counted as these: a new installation isn't more easily alarmed than an old one.
const LEAST_SUBJECTS: usize = 100;

/// From when on a count is an alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Fewer people than these never alarm.
    pub least: u32,
    /// False alarms that may be expected in a year over all subjects together, while nothing happens.
    pub false_alarms: f64,
}

/// A count beyond the usual range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// People of the last seven days.
    pub observed: u32,
    /// Usual in a week.
    pub expected: f64,
    /// Probability of so many or more in a usual week.
    pub probability: f64,
}

/// What a usual week looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    mean: f64,
    /// The larger, the nearer to a Poisson distribution.
    size: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts of weeks and cases stay far below 2^52")]
impl Usual {
    /// From the counts of the weeks behind, in any order.
    pub fn of(weeks: &[u32]) -> Self {
        let n = weeks.len() as f64;
        let sum: f64 = weeks.iter().copied().map(f64::from).sum();
        let mean = (PRIOR_CASES + sum) / (PRIOR_WEEKS + n);
        let plain = if n > 0.0 { sum / n } else { 0.0 };
        let squares: f64 = weeks.iter().map(|week| (f64::from(*week) - plain).powi(2)).sum();
        let variance = if n > 1.0 { squares / (n - 1.0) } else { 0.0 };
        let beyond = if plain > 0.0 { (variance - plain) / (plain * plain) } else { 0.0 };
        // The spread of the weeks, and how little so few cases tell of their mean.
        let seen = (beyond.max(LEAST_SPREAD) - LEAST_SPREAD) * sum / (sum + BELIEVED);
        let spread = LEAST_SPREAD + seen + 1.0 / (PRIOR_CASES + sum);
        Self { mean, size: 1.0 / spread }
    }

    /// Probability of a week with so many cases or more.
    pub fn at_least(&self, count: u32) -> f64 {
        if count == 0 {
            return 1.0;
        }
        let Self { mean, size } = *self;
        let share = mean / (size + mean);
        let first = f64::from(count);
        let log = libm::lgamma(first + size) - libm::lgamma(first + 1.0) - libm::lgamma(size)
            + size * libm::log(size / (size + mean))
            + first * libm::log(share);
        let (mut term, mut at, mut sum) = (libm::exp(log), first, 0.0);
        // The terms fall at least geometrically once past the mean; before it their number is the mean's.
        while term > sum * 1e-15 && at < first + 1e6 {
            sum += term;
            term *= (at + size) / (at + 1.0) * share;
            at += 1.0;
        }
        sum.min(1.0)
    }
}

/// Whether `now`, the people of the last seven days, is beyond what the weeks before say is usual. `subjects` is how many are looked at.
/// `None` also while fewer than [`LEAST_WEEKS`] weeks are known.
#[expect(clippy::cast_precision_loss, reason = "a count of subjects")]
pub fn rise(weeks: &[u32], now: u32, subjects: usize, limits: Limits) -> Option<Rise> {
    if weeks.len() < LEAST_WEEKS || now < limits.least {
        return None;
    }
    let usual = Usual::of(weeks);
    if f64::from(now) < LEAST_FACTOR * usual.mean {
        return None;
    }
    let probability = usual.at_least(now);
    let bound = limits.false_alarms / (LOOKS * subjects.max(LEAST_SUBJECTS) as f64);
    (probability <= bound).then_some(Rise { observed: now, expected: usual.mean, probability })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { least: 5, false_alarms: 0.1 };

    #[test]
    fn the_tail_is_that_of_the_distribution() {
        let usual = Usual { mean: 3.0, size: 4.0 };
        // Probabilities by the recurrence from nothing on, summed the other way.
        let (mut term, mut below) = ((4.0_f64 / 7.0).powi(4), 0.0);
        for count in 0..40_u32 {
            assert!((usual.at_least(count) - (1.0 - below)).abs() < 1e-12, "{count}");
            below += term;
            term *= (f64::from(count) + 4.0) / (f64::from(count) + 1.0) * 3.0 / 7.0;
        }
        assert!(usual.at_least(400) > 0.0, "a far tail is small, not lost");
    }

    #[test]
    fn a_small_number_never_alarms_and_a_large_one_does() {
        let quiet = [0; 12];
        assert_eq!(rise(&quiet, 4, 1, LIMITS), None, "four people of whom nobody ever complained");
        let found = (5..=10).find(|now| rise(&quiet, *now, 2_000, LIMITS).is_some());
        assert!(found.is_some_and(|now| now <= 8), "{found:?}");
        assert_eq!(rise(&quiet[..3], 50, 2_000, LIMITS), None, "three weeks say nothing");
    }

    #[test]
    fn the_usual_spread_of_a_large_merchant_is_no_alarm() {
        let weeks = [180, 240, 205, 260, 190, 225, 300, 210, 170, 230, 250, 215];
        assert_eq!(rise(&weeks, 420, 2_000, LIMITS), None, "twice the usual");
        assert_eq!(rise(&weeks, 450, 2_000, LIMITS), None, "more than twice, in a spread that makes it possible");
        assert!(rise(&weeks, 900, 2_000, LIMITS).is_some());
    }

    #[test]
    fn more_people_are_never_less_of_an_alarm() {
        let weeks = [2, 0, 1, 3, 0, 2, 1, 1, 0, 2, 4, 1];
        let usual = Usual::of(&weeks);
        assert!((0..200).all(|count| usual.at_least(count) >= usual.at_least(count + 1)));
        assert_eq!(Usual::of(&[]).at_least(0), 1.0);
    }
}
