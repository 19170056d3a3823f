//! Mean and variance of times as they come, and how far apart two kinds of them are.

/// A clock that counts in whole nanoseconds is not surer than this, in their squares.
const MIN_VARIANCE: f64 = 1.0 / 12.0;

/// Count, mean and variance of times in nanoseconds, without keeping them (Welford 1962).
#[derive(Clone, Copy, Default)]
pub(crate) struct Moments {
    pub(crate) count: f64,
    pub(crate) mean: f64,
    squares: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, nanos: f64) {
        self.count += 1.0;
        let distance = nanos - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (nanos - self.mean);
    }

    /// Welch's t: the difference of means in units of what chance makes of it.
    pub(crate) fn t(&self, other: &Self) -> f64 {
        (self.mean - other.mean) / (self.squared_error() + other.squared_error()).sqrt()
    }

    /// How far the mean may be from the true one, squared.
    fn squared_error(&self) -> f64 {
        let variance = self.squares / (self.count - 1.0);
        variance.max(MIN_VARIANCE) / self.count
    }
}
