//! Medians and percentiles.

use std::time::Duration;

/// The figure in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The milliseconds that so many percent of the sorted `latencies` stay below.
pub(crate) fn percentile_ms(latencies: &[Duration], percent: usize) -> f64 {
    latencies
        .get(latencies.len() * percent / 100)
        .or(latencies.last())
        .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

/// A count as a figure to divide by.
pub(crate) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

pub(crate) fn mebibytes(octets: usize) -> f64 {
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    number(octets) / MEBIBYTE
}
