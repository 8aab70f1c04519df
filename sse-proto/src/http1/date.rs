//! Dates as a server writes them.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// Formats a time, given as the duration since 1970 in UTC, in the required format (RFC 9110
/// section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. Returns `None` after the year 9999, which the
/// format cannot represent.
pub(super) fn format_date(since_unix_epoch: Duration) -> Option<String> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let seconds = since_unix_epoch.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    if days >= 2_932_897 {
        return None;
    }
    // Days since 0000-03-01. An era of 400 years has 146,097 days. Years start with March, so that
    // the leap day is their last day.
    let day = days + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + u64::from(month >= 10);
    // Always `Some`: the indices are remainders, and a month of the year.
    let weekday = DAYS.get((days % 7) as usize)?;
    let month = MONTHS.get(month as usize)?;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{weekday}, {day_of_month:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(format_date(Duration::from_secs(seconds)).as_deref(), Some(expected));
        }
        assert_eq!(format_date(Duration::from_secs(253_402_300_800)), None);
        assert_eq!(format_date(Duration::MAX), None);
    }
}
