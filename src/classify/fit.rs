//! Fits the linear model: multinomial logistic regression over hashed runs of characters.
//!
//! Deterministic to the bit on every machine: one thread, a fixed order of the examples, and functions of `libm` instead of the
//! system's. The same texts give the same file.

use super::features::{self, BUCKETS};
use super::fold::fold;
use super::weights::{Row, WIDTH, Weights};

/// Passes over the examples.
const PASSES: u64 = 20;

/// Length of the first steps.
const RATE: f32 = 0.6;

/// How much a weight is drawn to zero whenever its bucket is seen.
const SHRINK: f32 = 0.002;

/// Examples in which a bucket must be filled to get a row.
const LEAST: u32 = 2;

/// A text whose class is known.
#[derive(Debug, Clone)]
pub struct Example {
    /// The narrative.
    pub text: String,
    /// Its class: a sector or a kind of matter that is no consumer matter.
    pub class: String,
    /// How much it counts.
    pub weight: f32,
}

struct Prepared {
    buckets: Vec<u32>,
    class: usize,
    weight: f32,
    value: f32,
}

/// One over the root of the number of a text's buckets: long and short texts get sums of the same size.
#[expect(clippy::cast_precision_loss, reason = "a text has some thousands of buckets at most")]
pub(super) fn value(buckets: usize) -> f64 {
    if buckets == 0 { 0.0 } else { 1.0 / libm::sqrt(buckets as f64) }
}

/// Fits weights. An example of a class that isn't among `classes` is passed over. Every class counts the same, however many
/// examples it has.
#[expect(clippy::cast_possible_truncation, reason = "single precision is enough for a step")]
pub fn fit(classes: &[String], examples: &[Example]) -> Weights {
    let classes: Vec<String> = classes.iter().take(WIDTH).cloned().collect();
    let mut prepared: Vec<Prepared> = examples
        .iter()
        .filter_map(|example| {
            let class = classes.iter().position(|class| *class == example.class)?;
            let grams = features::first_of_each(features::grams(&features::units(&fold(&example.text))));
            let buckets: Vec<u32> = grams.iter().map(|gram| gram.bucket).collect();
            let value = value(buckets.len()) as f32;
            Some(Prepared { buckets, class, weight: example.weight, value })
        })
        .collect();
    balance(&mut prepared, classes.len());

    let mut filled = vec![0_u32; BUCKETS];
    for bucket in prepared.iter().flat_map(|one| &one.buckets) {
        filled[*bucket as usize] += 1;
    }
    let mut rows = 0_u32;
    let index: Vec<Option<u32>> = filled
        .iter()
        .map(|count| {
            (*count >= LEAST).then(|| {
                rows += 1;
                rows - 1
            })
        })
        .collect();
    for one in &mut prepared {
        one.buckets = one.buckets.iter().filter_map(|bucket| index[*bucket as usize]).collect();
    }

    let mut weights = vec![[0_f32; WIDTH]; rows as usize];
    let mut steps = vec![1e-3_f32; rows as usize];
    for pass in 0..PASSES {
        for one in in_turn(&prepared, pass) {
            step(one, &mut weights, &mut steps, classes.len());
        }
    }
    let by_bucket = (0_u32..).zip(index).filter_map(|(bucket, row)| Some((bucket, weights[row? as usize])));
    quantised(classes, by_bucket.collect())
}

/// Gives every class the same sum of weights.
#[expect(clippy::cast_precision_loss, reason = "counts of examples")]
fn balance(examples: &mut [Prepared], classes: usize) {
    let mut sums = vec![0_f32; classes];
    for one in examples.iter() {
        sums[one.class] += one.weight;
    }
    let present = sums.iter().filter(|sum| **sum > 0.0).count().max(1);
    let mean = sums.iter().sum::<f32>() / present as f32;
    for one in examples.iter_mut() {
        // The root: a class with few examples isn't trusted as much as one with many.
        one.weight *= libm::sqrtf(mean / sums[one.class].max(f32::MIN_POSITIVE));
    }
}

/// The examples in the order of a pass: another one each time, always the same.
fn in_turn(examples: &[Prepared], pass: u64) -> impl Iterator<Item = &Prepared> {
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut state = pass.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    for last in (1..order.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let other = usize::try_from(state % (last as u64 + 1)).unwrap_or(0);
        order.swap(last, other);
    }
    order.into_iter().filter_map(|at| examples.get(at))
}

/// One step down the slope of one example's loss, shorter for buckets that were stepped on much (AdaGrad by row).
fn step(one: &Prepared, weights: &mut [[f32; WIDTH]], steps: &mut [f32], classes: usize) {
    let mut scores = [0_f32; WIDTH];
    for row in &one.buckets {
        for (score, weight) in scores.iter_mut().zip(&weights[*row as usize]) {
            *score += *weight;
        }
    }
    let scores = &mut scores[..classes];
    let most = scores.iter().fold(f32::MIN, |most, score| most.max(*score));
    let mut mass = 0.0;
    for score in scores.iter_mut() {
        *score = libm::expf((*score - most) * one.value);
        mass += *score;
    }
    let mut slope = [0_f32; WIDTH];
    let mut length = 0.0;
    for (class, (slope, score)) in slope.iter_mut().zip(scores.iter()).enumerate() {
        let error = *score / mass - if class == one.class { 1.0 } else { 0.0 };
        *slope = error * one.value * one.weight;
        length += *slope * *slope;
    }
    for row in &one.buckets {
        let row = *row as usize;
        steps[row] += length;
        let rate = RATE / libm::sqrtf(steps[row]);
        for (weight, slope) in weights[row].iter_mut().zip(&slope) {
            *weight -= rate * (*slope + SHRINK * *weight);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a quotient by the largest is at most 127")]
fn quantised(classes: Vec<String>, by_bucket: Vec<(u32, [f32; WIDTH])>) -> Weights {
    let largest = by_bucket.iter().flat_map(|(_, row)| row).fold(0_f32, |most, weight| most.max(weight.abs()));
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    let rows = by_bucket.into_iter().map(|(bucket, weights)| {
        let mut row: Row = [0; WIDTH];
        for (slot, weight) in row.iter_mut().zip(weights) {
            *slot = (weight / scale).round() as i8;
        }
        (bucket, row)
    });
    Weights::new(classes, scale, rows.collect())
}
