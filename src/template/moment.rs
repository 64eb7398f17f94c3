//! Moments in words. The words are the catalogue's, and so are the order of day and month and what stands between.

use crate::base::clock::Timestamp;
use crate::base::phrase::{Phrase, phrase};

/// A moment to the minute; `say` says the name of a month.
pub(super) fn phrase(at: Timestamp, say: impl Fn(&Phrase) -> String) -> Phrase {
    let at = at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC);
    phrase!(
        "{day} {month} {year}, {time} UTC",
        day = at.day(),
        month = say(&month(at.month())),
        year = at.year(),
        time = at.strftime("%H:%M"),
    )
}

fn month(number: i8) -> Phrase {
    match number {
        1 => phrase!("January"),
        2 => phrase!("February"),
        3 => phrase!("March"),
        4 => phrase!("April"),
        5 => phrase!("May"),
        6 => phrase!("June"),
        7 => phrase!("July"),
        8 => phrase!("August"),
        9 => phrase!("September"),
        10 => phrase!("October"),
        11 => phrase!("November"),
        _ => phrase!("December"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::language::Language;
    use crate::template::Templates;

    #[test]
    fn a_moment_is_written_out_in_the_words_of_its_reader() {
        let at = Timestamp::from_millis(1_796_737_500_000);
        let templates = Templates::built_in();
        assert_eq!(templates.moment(Language::ENGLISH, at), "8 December 2026, 13:45 UTC");
        let german = Language::parse("de").unwrap();
        assert_eq!(templates.moment(german, at), "8. Dezember 2026, 13:45 Uhr (UTC)");
        let spring = Timestamp::from_millis(1_772_323_200_000);
        assert_eq!(templates.moment(german, spring), "1. März 2026, 00:00 Uhr (UTC)");
    }
}
