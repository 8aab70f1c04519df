//! The dates of HTTP, as far as `Retry-After` needs them.

/// Reads a date in the one form that may still be sent (RFC 9110 section 5.6.7), `Sun, 06 Nov 1994 08:49:37 GMT`, as seconds
/// since the beginning of the year 0, by the calendar of today.
pub(super) fn parse(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_day_of_week, date) = date.split_once(", ")?;
    let mut parts = date.split(' ');
    let day = number(parts.next()?, 1..=31)?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year = number(parts.next()?, 1..=9999)?;
    let mut clock = parts.next()?.split(':');
    let hour = number(clock.next()?, 0..=23)?;
    let minute = number(clock.next()?, 0..=59)?;
    // A leap second counts as the one after it.
    let second = number(clock.next()?, 0..=60)?;
    if (parts.next(), parts.next(), clock.next()) != (Some("GMT"), None, None) {
        return None;
    }
    // Years that begin with March, so that the day that may be missing is the last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn number(text: &str, range: core::ops::RangeInclusive<u64>) -> Option<u64> {
    // The number parser would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| digits && range.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_far_apart_as_they_are() {
        let apart = |from: &str, to: &str| parse(to).unwrap() - parse(from).unwrap();
        assert_eq!(apart("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"), 1);
        assert_eq!(apart("Wed, 28 Feb 2024 23:59:59 GMT", "Fri, 01 Mar 2024 00:00:00 GMT"), 86_401);
        assert_eq!(apart("Tue, 28 Feb 2023 23:59:59 GMT", "Wed, 01 Mar 2023 00:00:00 GMT"), 1);
        assert_eq!(apart("Sat, 31 Dec 2022 23:00:00 GMT", "Sun, 01 Jan 2023 01:00:00 GMT"), 7200);
        // Seconds of the epoch that everyone knows.
        assert_eq!(apart("Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 21 Nov 2026 06:00:00 GMT"), 1_795_240_800);
        assert_eq!(apart("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 29 Feb 2024 00:00:00 GMT"), 1_709_164_800);
    }

    #[test]
    fn other_texts_are_refused() {
        for other in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
