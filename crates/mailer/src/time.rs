//! Points in time, as they are stored and compared.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, as header fields and signatures carry them.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The time as RFC 3339 section 5.6 writes it, in UTC and to the millisecond: `2026-11-24T16:39:12.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        const DAY_SECS: u64 = 86_400;
        let (days, secs) = (self.as_secs() / DAY_SECS, self.as_secs() % DAY_SECS);
        let (year, month, day) = civil_date(days);
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        let millis = self.0 % 1000;
        let mut text = Vec::with_capacity("1970-01-01T00:00:00.000Z".len());
        // Digit by digit: each line of the log has a time, and formatting one takes several times as long.
        for (number, unit, end) in [
            (year, 1000, b'-'),
            (month, 10, b'-'),
            (day, 10, b'T'),
            (hour, 10, b':'),
            (minute, 10, b':'),
            (second, 10, b'.'),
            (millis, 100, b'Z'),
        ] {
            push_digits(&mut text, number, unit);
            text.push(end);
        }
        // All of it is ASCII.
        String::from_utf8(text).unwrap_or_default()
    }

    /// Parses what [`Self::to_rfc3339`] writes, with or without a fraction of up to nine digits. Only UTC, as `Z`.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let is_time = hour < 24 && minute < 60 && second < 60;
        let is_fraction = (1..=9).contains(&fraction.len())
            && fraction.bytes().all(|digit| digit.is_ascii_digit());
        if !is_time || !is_fraction {
            return None;
        }
        let days = days_of(year, month, day)?;
        let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        let secs = ((days * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self(secs * 1000 + millis))
    }

    /// Whole days since the epoch, in UTC.
    #[must_use]
    pub const fn day(self) -> u64 {
        self.as_secs() / (24 * 60 * 60)
    }

    /// This time and `duration` more; never wraps.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// How long ago `earlier` was, zero when it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last of its year, in eras of 400 years, which are all alike.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const ERA_DAYS: u64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era.saturating_sub(leap_days)) / 365;
    let day_of_year = day_of_era + year_of_era / 100 - year_of_era * 365 - year_of_era / 4;
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Writes `number` from the place of `unit` on, a power of ten, or from an earlier one if it has more digits.
fn push_digits(text: &mut Vec<u8>, number: u64, mut unit: u64) {
    while number / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        let [digit, ..] = (number / unit % 10).to_le_bytes();
        text.push(b'0' + digit);
        unit /= 10;
    }
}

/// Three numbers of so many digits each.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (place, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|digit| digit.is_ascii_digit());
        *place = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, if there is such a day and it is not before.
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    const DAY_RANGE: std::ops::RangeInclusive<u64> = 1..=31;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !DAY_RANGE.contains(&day) {
        return None;
    }
    // Years are counted from March, as above.
    let (shifted_year, shifted_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = (shifted_year * 365 + leap_days + day_of_year).checked_sub(719_468)?;
    (civil_date(days) == (year, month, day)).then_some(days)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secs: u64, expected: &str) {
        let time = Timestamp::from_millis(secs * 1000);
        assert_eq!(time.to_rfc3339(), expected);
        assert_eq!(Timestamp::parse_rfc3339(expected), Some(time));
    }

    #[test]
    fn times_are_written_in_the_gregorian_calendar() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399, "2000-02-28T23:59:59.000Z");
        check(951_782_400, "2000-02-29T00:00:00.000Z");
        check(1_790_000_000, "2026-09-21T14:13:20.000Z");
        check(4_107_542_399, "2100-02-28T23:59:59.000Z");
        check(4_107_542_400, "2100-03-01T00:00:00.000Z");
        let last = Timestamp::from_millis(253_402_300_799_999).to_rfc3339();
        assert_eq!(last, "9999-12-31T23:59:59.999Z");
        let next = Timestamp::from_millis(253_402_300_800_045).to_rfc3339();
        assert_eq!(next, "10000-01-01T00:00:00.045Z");
        let never = Timestamp::from_millis(u64::MAX).to_rfc3339();
        assert_eq!(never, "584556019-04-03T14:25:51.615Z");
    }

    #[track_caller]
    fn parsed(text: &str, millis: Option<u64>) {
        assert_eq!(
            Timestamp::parse_rfc3339(text),
            millis.map(Timestamp::from_millis),
            "{text}"
        );
    }

    #[test]
    fn only_times_that_are_there_are_parsed() {
        parsed("1970-01-01T00:00:01Z", Some(1_000));
        parsed("1970-01-01T00:00:01.5Z", Some(1_500));
        parsed("1970-01-01T00:00:01.123456789Z", Some(1_123));
        parsed("1970-01-01T00:00:01.Z", None);
        parsed("1970-01-01T00:00:01", None);
        parsed("1970-01-01T00:00:01+01:00", None);
        parsed("1970-01-01 00:00:01Z", None);
        parsed("1970-01-01T24:00:00Z", None);
        parsed("1970-02-29T00:00:00Z", None);
        parsed("2100-02-29T00:00:00Z", None);
        parsed("1970-00-01T00:00:00Z", None);
        parsed("1969-12-31T23:59:59Z", None);
        parsed("+970-01-01T00:00:00Z", None);
        parsed("", None);
    }
}
