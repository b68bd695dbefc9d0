//! A year of ordinary traffic, day by day, and a chain that closes in it. Seeded: the same year each time.

use super::rise::{Limits, rise};

const LIMITS: Limits = Limits { least: 5, false_alarms: 0.1 };

/// Days before the first that is looked at.
const BEFORE: usize = 91;

/// Weeks that say what is usual.
const WEEKS: usize = 12;

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// A count with this mean: the waits between single complaints are exponential.
    fn count(&mut self, mean: f64) -> u32 {
        let (mut waited, mut count) = (0.0, 0);
        loop {
            waited -= self.next().max(1e-12).ln();
            if waited > mean {
                return count;
            }
            count += 1;
        }
    }

    /// Around 1, with a spread of about a fifth.
    fn swing(&mut self) -> f64 {
        0.6 + 0.8 * (self.next() + self.next() + self.next()) / 3.0
    }
}

/// Complaints of a subject on each day: a weekday's share, the season, how each week differs from others, three holiday weeks.
fn year(chance: &mut Chance, weekly: f64) -> Vec<u32> {
    let season = chance.next();
    let mut of_week = 1.0;
    (0..BEFORE + 365)
        .map(|day| {
            if day % 7 == 0 {
                of_week = chance.swing();
            }
            let turn = (day as f64 / 365.0 + season) * std::f64::consts::TAU;
            let weekday = if day % 7 < 5 { 1.12 } else { 0.7 };
            let holiday = if matches!(day / 7, 18 | 33 | 52) { 1.4 } else { 1.0 };
            chance.count(weekly / 7.0 * weekday * holiday * of_week * (1.0 + 0.3 * turn.sin()))
        })
        .collect()
}

/// Whether there is an alarm at the end of a day.
fn alarm(days: &[u32], day: usize, subjects: usize) -> bool {
    let sum = |from: usize| days[from..from + 7].iter().sum::<u32>();
    let now = sum(day - 6);
    let weeks: Vec<u32> = (1..=WEEKS).map(|back| sum(day - 6 - back * 7)).collect();
    now >= LIMITS.least && rise(&weeks, now, subjects, LIMITS).is_some()
}

/// Means as merchants have them: a few large, thousands with a complaint in months.
fn means(subjects: u32, largest: f64) -> impl Iterator<Item = f64> {
    (1..=subjects).map(move |rank| largest / f64::from(rank).powf(0.9))
}

#[test]
fn a_quiet_year_raises_no_alarm() {
    let (merchants, words) = (2_000, 1_000);
    for seed in 1..=3 {
        let mut chance = Chance(seed);
        let mut alarms = Vec::new();
        for (subjects, largest) in [(merchants, 60.0), (words, 250.0)] {
            for (rank, mean) in means(subjects, largest).enumerate() {
                let days = year(&mut chance, mean);
                let on = (BEFORE..days.len()).find(|day| alarm(&days, *day, subjects as usize));
                alarms.extend(on.map(|day| (subjects, rank, day)));
            }
        }
        println!("seed {seed}: {} alarms in a year over {merchants} merchants and {words} words", alarms.len());
        assert_eq!(alarms, [], "seed {seed}");
    }
}

#[test]
fn nine_of_ten_chains_that_close_are_found_within_ten_complaints() {
    let mut needed = Vec::new();
    for seed in 1..=200 {
        let mut chance = Chance(1_000 + seed);
        // A chain with up to a complaint in four weeks before.
        let before = chance.next() / 4.0;
        let mut days = year(&mut chance, before);
        let closed = BEFORE + 50 + usize::try_from(seed).unwrap();
        // One complaint after another, three a day.
        let found = (1..=30_u32).find(|complaint| {
            let day = closed + usize::try_from((complaint - 1) / 3).unwrap();
            days[day] += 1;
            alarm(&days, day, 2_000)
        });
        needed.push(found.unwrap_or(u32::MAX));
    }
    needed.sort_unstable();
    println!("complaints until the alarm: median {}, nine of ten {}, most {}", needed[100], needed[180], needed[199]);
    assert!(needed[180] <= 10 && needed[199] <= 15, "{needed:?}");
}
