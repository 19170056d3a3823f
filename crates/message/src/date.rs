//! Dates as RFC 5322 section 3.3 writes them, always in UTC.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const SECONDS_A_DAY: u64 = 86_400;

/// Writes seconds since 1970 as `Mon, 23 Nov 2026 19:27:45 +0000`.
pub(crate) fn date_time(unix_seconds: u64) -> String {
    let days = unix_seconds / SECONDS_A_DAY;
    let seconds = unix_seconds % SECONDS_A_DAY;
    // The first day of 1970 was a Thursday, where the list starts.
    let weekday = name(&DAYS, days % 7);
    let (year, month, day) = civil_date(days);
    let month = name(&MONTHS, month);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

/// Year, month from 0 and day from 1 of the Gregorian calendar, for days since 1970.
///
/// Counts in years that start in March, so that the leap day is the last of its year, and in eras of 400 years,
/// which are all of one length.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let since_march_0 = days + 719_468;
    let era = since_march_0 / 146_097;
    let day_of_era = since_march_0 % 146_097;
    let leap_days = day_of_era / 1460 + day_of_era / 146_096;
    let year_of_era = (day_of_era + day_of_era / 36_524 - leap_days) / 365;
    let day_of_year = day_of_era + year_of_era / 100 - 365 * year_of_era - year_of_era / 4;
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    (year, month, day)
}

fn name<const N: usize>(names: &[&'static str; N], index: u64) -> &'static str {
    let index = usize::try_from(index).unwrap_or_default();
    names.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unix_seconds: u64, expected: &str) {
        assert_eq!(date_time(unix_seconds), expected);
    }

    #[test]
    fn dates_are_in_utc() {
        check(0, "Thu, 1 Jan 1970 00:00:00 +0000");
        check(951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000");
        check(951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000");
        check(951_868_800, "Wed, 1 Mar 2000 00:00:00 +0000");
        check(1_234_567_890, "Fri, 13 Feb 2009 23:31:30 +0000");
        check(1_795_462_065, "Mon, 23 Nov 2026 19:27:45 +0000");
        check(4_107_542_399, "Sun, 28 Feb 2100 23:59:59 +0000");
        check(4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000");
        check(253_402_300_799, "Fri, 31 Dec 9999 23:59:59 +0000");
    }

    #[test]
    fn no_number_of_seconds_overflows() {
        assert!(date_time(u64::MAX).ends_with("+0000"));
    }
}
