//! What processes use of the machine, as Linux tells it; nothing elsewhere.

use std::fs::read_to_string;

/// Linux counts processor time for others in hundredths of a second, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// The seconds of processor time this process and `others` have used so far.
pub(crate) fn processor_seconds(others: &[u32]) -> f64 {
    let own = std::process::id();
    let ticks = others
        .iter()
        .chain([&own])
        .map(|&id| ticks(id).map_or(f64::NAN, f64::from));
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

/// User and system time: fields 14 and 15 of `proc_pid_stat(5)`, which are the 12th and 13th behind the name.
fn ticks(id: u32) -> Option<u32> {
    let stat = read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    next()?.checked_add(next()?)
}

/// The memory of this process that is in the machine's, in MiB.
pub(crate) fn resident_mebibytes() -> f64 {
    mebibytes("VmRSS:")
}

/// The most of it that ever was.
pub(crate) fn most_resident_mebibytes() -> f64 {
    mebibytes("VmHWM:")
}

fn mebibytes(field: &str) -> f64 {
    kibibytes(field).map_or(f64::NAN, |kibibytes| f64::from(kibibytes) / 1024.0)
}

fn kibibytes(field: &str) -> Option<u32> {
    let status = read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
