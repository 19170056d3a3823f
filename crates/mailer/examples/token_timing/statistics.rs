//! Welch's t-test over times as they come, with and without the slowest of them.

use crate::moments::Moments;

/// Which share of the times is kept, in hundredths. What interrupts a program makes a few of them many times longer.
const KEPT: [usize; 7] = [100, 99, 95, 90, 75, 50, 25];
/// Fewer times than this say nothing of their distribution.
const ENOUGH: f64 = 1000.0;

/// The times of one kind, kept once for each of [`KEPT`].
#[derive(Clone)]
pub(crate) struct Times {
    /// For each of `KEPT` the longest time that is counted, and what is counted.
    crops: [(u32, Moments); KEPT.len()],
}

impl Times {
    /// None yet; `first` says where the percentiles are.
    pub(crate) fn below(first: impl Iterator<Item = u32>) -> Self {
        let mut first: Vec<u32> = first.collect();
        first.sort_unstable();
        let longest = |hundredths: usize| match hundredths {
            100 => u32::MAX,
            _ => first
                .get(first.len() * hundredths / 100)
                .copied()
                .unwrap_or(u32::MAX),
        };
        Self {
            crops: KEPT.map(|hundredths| (longest(hundredths), Moments::default())),
        }
    }

    pub(crate) fn add(&mut self, nanos: u32) {
        for (longest, moments) in &mut self.crops {
            if nanos <= *longest {
                moments.add(f64::from(nanos));
            }
        }
    }

    /// How many there are in all.
    pub(crate) fn count(&self) -> f64 {
        self.crops.first().map_or(0.0, |(_, moments)| moments.count)
    }

    /// The mean of the fastest 95 %, in nanoseconds.
    pub(crate) fn mean(&self) -> f64 {
        self.crops.get(2).map_or(0.0, |(_, moments)| moments.mean)
    }
}

/// The largest |t| between `one` and `other`, and the share of the times, in hundredths, that shows it.
pub(crate) fn max_t(one: &Times, other: &Times) -> (f64, usize) {
    let pairs = one.crops.iter().zip(&other.crops).zip(KEPT);
    let pairs = pairs.filter(|(((_, one), (_, other)), _)| one.count.min(other.count) >= ENOUGH);
    let all = pairs.map(|(((_, one), (_, other)), kept)| (one.t(other).abs(), kept));
    all.fold(
        (0.0, 100),
        |most, next| if next.0 > most.0 { next } else { most },
    )
}
