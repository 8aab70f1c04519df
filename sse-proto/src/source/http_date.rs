//! HTTP dates, as far as `Retry-After` needs them.

/// Seconds since the beginning of the year 0 in the Gregorian calendar.
pub(super) type Seconds = u64;

/// The Unix epoch.
pub(super) const UNIX_EPOCH: Seconds = seconds(1970, 1, 1, 0);

/// About when this was written. No server sends dates from long before that with a year of two
/// digits.
pub(super) const WRITTEN: Seconds = seconds(2026, 1, 1, 0);

/// Parses a date in any of the three formats that a recipient must accept (RFC 9110 section 5.6.7).
///
/// A year of two digits is the latest matching year that is at most 50 years after `now`.
pub(super) fn parse(date: &str, now: Seconds) -> Option<Seconds> {
    let mut parts = date.split_ascii_whitespace();
    let day_of_week = parts.next()?;
    let date = match (day_of_week.ends_with(','), parts.next()?) {
        // Sunday, 06-Nov-94 08:49:37 GMT
        (true, date) if date.contains('-') => {
            let mut date = date.split('-');
            let (day, month, year) = (date.next()?, date.next()?, date.next()?);
            let (day, month, time) = (day_of_month(day)?, month_number(month)?, time_of_day(parts.next()?)?);
            if date.next().is_some() || year.len() != 2 || parts.next() != Some("GMT") {
                return None;
            }
            full_date(number(year, 0..=99)?, month, day, time, now)
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        (true, day) => {
            let (month, year, time) = (parts.next()?, parts.next()?, parts.next()?);
            if parts.next() != Some("GMT") {
                return None;
            }
            seconds(full_year(year)?, month_number(month)?, day_of_month(day)?, time_of_day(time)?)
        }
        // Sun Nov  6 08:49:37 1994
        (false, month) => {
            let (day, time, year) = (parts.next()?, parts.next()?, parts.next()?);
            seconds(full_year(year)?, month_number(month)?, day_of_month(day)?, time_of_day(time)?)
        }
    };
    parts.next().is_none().then_some(date)
}

const fn seconds(year: u64, month: u64, day: u64, time_of_day: Seconds) -> Seconds {
    // Years start with March, so that the leap day is their last day.
    let (year, month) = if month < 3 { (year.saturating_sub(1), month + 9) } else { (year, month - 3) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day;
    days * DAY + time_of_day
}

/// Returns the date for a year of two digits.
fn full_date(two_digits: u64, month: u64, day: u64, time_of_day: Seconds, now: Seconds) -> Seconds {
    // Limited to the latest valid year, so that nothing overflows.
    let now = now.min(seconds(9999, 12, 31, DAY));
    // Starts in the century after `now`, give or take a year.
    let mut year = (now / (365 * DAY) / 100 + 1) * 100 + two_digits;
    while year >= 100 && seconds(year.saturating_sub(50), month, day, time_of_day) > now {
        year -= 100;
    }
    seconds(year, month, day, time_of_day)
}

const DAY: Seconds = 24 * 60 * 60;

fn full_year(text: &str) -> Option<u64> {
    number(text, 1..=9999)
}

fn month_number(name: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.iter().position(|month| *month == name).map(|index| index as u64 + 1)
}

fn day_of_month(text: &str) -> Option<u64> {
    number(text, 1..=31)
}

fn time_of_day(text: &str) -> Option<Seconds> {
    let mut parts = text.split(':');
    let hour = number(parts.next()?, 0..=23)?;
    let minute = number(parts.next()?, 0..=59)?;
    // A leap second counts as the following second.
    let second = number(parts.next()?, 0..=60)?;
    parts.next().is_none().then_some((hour * 60 + minute) * 60 + second)
}

fn number(text: &str, range: core::ops::RangeInclusive<u64>) -> Option<u64> {
    // `parse` would accept a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| digits && range.contains(value))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn parse(date: &str) -> Option<Seconds> {
        super::parse(date, WRITTEN)
    }

    #[test]
    fn dates_are_as_far_apart_as_they_are() {
        let apart = |from: &str, to: &str| parse(to).unwrap() - parse(from).unwrap();
        assert_eq!(apart("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"), 1);
        assert_eq!(apart("Wed, 28 Feb 2024 23:59:59 GMT", "Fri, 01 Mar 2024 00:00:00 GMT"), 86_401);
        assert_eq!(apart("Tue, 28 Feb 2023 23:59:59 GMT", "Wed, 01 Mar 2023 00:00:00 GMT"), 1);
        assert_eq!(apart("Sat, 31 Dec 2022 23:00:00 GMT", "Sun, 01 Jan 2023 01:00:00 GMT"), 7200);
        // Well-known Unix times.
        assert_eq!(apart("Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 21 Nov 2026 06:00:00 GMT"), 1_795_240_800);
        assert_eq!(apart("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 29 Feb 2024 00:00:00 GMT"), 1_709_164_800);
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(UNIX_EPOCH));
    }

    #[test]
    fn the_three_forms_mean_the_same() {
        let date = parse("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date, Some(UNIX_EPOCH + 784_111_777));
        assert_eq!(parse("Sunday, 06-Nov-94 08:49:37 GMT"), date);
        assert_eq!(parse("Sun Nov  6 08:49:37 1994"), date);
        assert_eq!(parse("Wed Nov 16 08:49:37 1994"), parse("Wed, 16 Nov 1994 08:49:37 GMT"));
    }

    #[test]
    fn two_digits_of_a_year_mean_at_most_fifty_years_ahead() {
        let date = |date: &str, now: &str| super::parse(date, parse(now).unwrap());
        for (two_digits, now, expected) in [
            ("06-Nov-94", "06 Nov 2026 08:49:37", "06 Nov 1994"),
            ("06-Nov-76", "06 Nov 2026 08:49:37", "06 Nov 2076"),
            ("06-Nov-76", "06 Nov 2026 08:49:36", "06 Nov 1976"),
            ("07-Nov-76", "06 Nov 2026 08:49:37", "07 Nov 1976"),
            ("06-Nov-26", "06 Nov 2026 08:49:36", "06 Nov 2026"),
            ("06-Nov-05", "06 Nov 2095 08:49:37", "06 Nov 2105"),
            ("01-Jan-00", "31 Dec 1999 23:59:59", "01 Jan 2000"),
        ] {
            assert_eq!(
                date(&format!("Monday, {two_digits} 08:49:37 GMT"), &format!("Mon, {now} GMT")),
                parse(&format!("Mon, {expected} 08:49:37 GMT")),
                "{two_digits} at {now}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for now in [0, 1, 50 * 365 * DAY, UNIX_EPOCH, u64::MAX] {
            for date in ["01-Jan-00", "29-Feb-00", "31-Dec-99", "01-Mar-50"] {
                assert!(
                    super::parse(&format!("Monday, {date} 00:00:00 GMT"), now).is_some(),
                    "{date} at {now}"
                );
            }
        }
        assert!(parse("Mon Jan  1 00:00:00 0001") < parse("Fri Dec 31 23:59:60 9999"));
    }

    #[test]
    fn other_texts_are_refused() {
        for other in [
            "",
            "Sun",
            "Sun,",
            "Sunday, 06-Nov-94 08:49:37",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06-Nov-9 08:49:37 GMT",
            "Sunday, 06-Nov-94-1 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT x",
            "Sunday 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37",
            "Sun Nov  6 08:49:37 1994 GMT",
            "Sun 6 Nov 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 0 08:49:37 GMT",
            "Sun, 06 Nov 99999 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
