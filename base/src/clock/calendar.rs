//! Moments as text: RFC 3339, in UTC.

use super::Timestamp;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The first and the last moment of the years that the text can say.
const YEARS: (i64, i64) = (-62_167_219_200_000_000, 253_402_300_799_999_999);

impl Timestamp {
    /// The moment as RFC 3339 has it, in UTC with microseconds: `2026-11-30T21:46:07.000000Z`. One before the year 0 or
    /// after the year 9999 is told as the nearest that the text can say.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let micros = self.as_micros().clamp(YEARS.0, YEARS.1);
        let (days, of_day) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
        // The proleptic Gregorian calendar in years that begin on 1 March: what a leap year adds is their last day.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let seconds = of_day / 1_000_000;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60,
            of_day % 1_000_000
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_has_them() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (1_796_075_167_000_001, "2026-11-30T21:46:07.000001Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (i64::MAX, "9999-12-31T23:59:59.999999Z"),
            (i64::MIN, "0000-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).rfc3339(), text, "{micros}");
        }
    }
}
