//! The fitted weights of the linear model: one row of small integers for each bucket that the training texts fill.

use super::features::BUCKETS;
use sha2::{Digest, Sha256};

/// Beginning of a file of weights, with the version of its format.
const MAGIC: &[u8; 8] = b"fxngram1";

/// Room for classes in a row; a fixed length lets the sums run in registers.
pub(super) const WIDTH: usize = 32;

/// A row of weights, in units of [`Weights::scale`].
pub(super) type Row = [i8; WIDTH];

/// Weights of hashed runs of characters for classes. Immutable.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// What each column speaks for.
    pub(super) classes: Vec<String>,
    /// Value of one unit.
    pub(super) scale: f32,
    /// For each bucket the number of its row, 0 for none. Row 0 is all zero.
    index: Vec<u32>,
    rows: Vec<Row>,
}

/// Why bytes are no weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a file of weights: {0}")]
pub struct WeightsError(&'static str);

impl Weights {
    /// From rows by bucket, ascending.
    pub(super) fn new(classes: Vec<String>, scale: f32, by_bucket: Vec<(u32, Row)>) -> Self {
        let mut index = vec![0; BUCKETS];
        let mut rows = Vec::with_capacity(by_bucket.len() + 1);
        rows.push([0; WIDTH]);
        for (bucket, row) in by_bucket {
            if let Some(slot) = index.get_mut(bucket as usize) {
                *slot = u32::try_from(rows.len()).unwrap_or(0);
                rows.push(row);
            }
        }
        Self { classes, scale, index, rows }
    }

    /// The row of a bucket; all zero when the training texts don't fill it.
    pub(super) fn row(&self, bucket: u32) -> &Row {
        const NONE: Row = [0; WIDTH];
        let number = self.index.get(bucket as usize).copied().unwrap_or(0);
        self.rows.get(number as usize).unwrap_or(&NONE)
    }

    /// The sum over a text's buckets for each class: integers, so that no order of adding matters.
    /// Also whether any of the buckets has a row at all.
    pub(super) fn sums(&self, buckets: impl Iterator<Item = u32>) -> ([i32; WIDTH], bool) {
        let mut sums = [0; WIDTH];
        let mut known = false;
        for bucket in buckets {
            let number = self.index.get(bucket as usize).copied().unwrap_or(0);
            known |= number != 0;
            let Some(row) = self.rows.get(number as usize) else { continue };
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += i32::from(*weight);
            }
        }
        (sums, known)
    }

    /// Whether they are for just these classes.
    pub fn fits(&self, classes: &[String]) -> bool {
        self.classes == classes
    }

    /// Bytes that it takes in memory.
    pub fn memory(&self) -> usize {
        self.index.len() * size_of::<u32>() + self.rows.len() * WIDTH
    }

    /// As a file: the magic, the classes, the scale, the buckets as a bit set, the rows by class, and the SHA-256 of it all.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(u8::try_from(self.classes.len()).unwrap_or(u8::MAX));
        for class in &self.classes {
            out.push(u8::try_from(class.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(class.as_bytes());
        }
        out.extend_from_slice(&self.scale.to_le_bytes());
        let filled: Vec<u8> = self
            .index
            .chunks(8)
            .map(|eight| eight.iter().enumerate().fold(0, |byte, (bit, row)| byte | u8::from(*row != 0) << bit))
            .collect();
        out.extend_from_slice(&filled);
        for row in self.index.iter().filter(|row| **row != 0).filter_map(|row| self.rows.get(*row as usize)) {
            out.extend(row.iter().take(self.classes.len()).map(|weight| weight.to_le_bytes()[0]));
        }
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        out
    }

    /// Reads what [`Weights::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another format, damaged or cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let cut = WeightsError("it is cut off");
        let (content, sum) = bytes.split_last_chunk::<32>().ok_or_else(|| cut.clone())?;
        if Sha256::digest(content)[..] != sum[..] {
            return Err(WeightsError("its checksum is wrong"));
        }
        let mut rest = content.strip_prefix(MAGIC).ok_or(WeightsError("it is of another version"))?;
        let mut take = |length: usize| {
            let (head, tail) = rest.split_at_checked(length)?;
            rest = tail;
            Some(head)
        };
        let mut byte = || take(1).and_then(|one| one.first().copied()).map(usize::from);
        let count = byte().filter(|count| *count <= WIDTH).ok_or_else(|| cut.clone())?;
        let mut classes = Vec::with_capacity(count);
        for _ in 0..count {
            let length = take(1).and_then(|one| one.first().copied()).ok_or_else(|| cut.clone())?;
            let name = take(usize::from(length)).ok_or_else(|| cut.clone())?;
            classes.push(String::from_utf8(name.to_vec()).map_err(|_| WeightsError("a class has no name"))?);
        }
        let scale = take(4).and_then(|four| four.try_into().ok()).map(f32::from_le_bytes).ok_or_else(|| cut.clone())?;
        let filled = take(BUCKETS / 8).ok_or_else(|| cut.clone())?;
        let mut by_bucket = Vec::new();
        for bucket in 0..BUCKETS {
            if filled.get(bucket / 8).is_some_and(|byte| byte >> (bucket % 8) & 1 == 1) {
                let weights = take(count).ok_or_else(|| cut.clone())?;
                let mut row = [0; WIDTH];
                for (slot, weight) in row.iter_mut().zip(weights) {
                    *slot = i8::from_le_bytes([*weight]);
                }
                by_bucket.push((u32::try_from(bucket).unwrap_or(0), row));
            }
        }
        if !rest.is_empty() || !scale.is_finite() {
            return Err(WeightsError("it has something more, or a scale that is no number"));
        }
        Ok(Self::new(classes, scale, by_bucket))
    }
}
