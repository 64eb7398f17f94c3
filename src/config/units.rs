//! Values as people write them: `50 MiB`, `5 minutes`, `14 days`, and single words.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::base::address::{Address, Domain};
use crate::base::clock::Lifespan;

/// Why a text is not a value, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(super) problem: String,
    pub(super) remedy: String,
}

/// Octets of each unit. Both families are common; the difference matters to nobody but must not be guessed.
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Milliseconds of each unit.
const TIMES: &[(&str, u64)] = &[
    ("ms", 1),
    ("millisecond", 1),
    ("s", 1_000),
    ("second", 1_000),
    ("min", 60_000),
    ("minute", 60_000),
    ("h", 3_600_000),
    ("hour", 3_600_000),
    ("day", 86_400_000),
    ("week", 604_800_000),
];

impl Wrong {
    pub(super) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }
}

/// A whole number within bounds.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, Wrong>
where
    T: std::str::FromStr + PartialOrd + Display,
{
    move |text| match text.replace('_', "").parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Wrong::new(
            format!("“{text}” is not a number that is allowed here"),
            format!("Write a whole number from {} to {}.", range.start(), range.end()),
        )),
    }
}

/// True or false.
pub(crate) fn switch(text: &str) -> Result<bool, Wrong> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Wrong::new(format!("“{text}” is neither true nor false"), "Write true or false.")),
    }
}

/// One of a few words, and what each stands for.
pub(crate) fn one_of<T: Copy>(words: &[(&str, T)]) -> impl Fn(&str) -> Result<T, Wrong> {
    move |text| {
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            Wrong::new(format!("“{text}” is not one of its values"), format!("Write {}.", known.join(" or ")))
        })
    }
}

/// A size in octets, within bounds: `50 MiB`.
pub(super) fn size(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, Wrong> {
    move |text| {
        let octets = measured(text, SIZES).ok_or_else(|| {
            Wrong::new(
                format!("“{text}” is not a size"),
                "Write a whole number and one of B, KiB, MiB, GiB, TiB, kB, MB, GB, TB, for example \"50 MiB\".",
            )
        })?;
        within(octets, &range, text, SIZES)
    }
}

/// The same, where the code counts in `usize`.
pub(super) fn size_in_memory(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<usize, Wrong> {
    let size = size(range);
    move |text| {
        usize::try_from(size(text)?)
            .map_err(|_| Wrong::new(format!("“{text}” is more than this machine can address"), "Write less."))
    }
}

/// A time, within bounds: `5 minutes`, `1 hour 30 minutes`.
pub(super) fn time(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Duration, Wrong> {
    let range = millis(*range.start())..=millis(*range.end());
    move |text| {
        let time = measured(text, TIMES).ok_or_else(|| {
            Wrong::new(
                format!("“{text}” is not a time"),
                "Write a whole number and a unit, for example \"30 seconds\", \"5 minutes\", \"1 hour\" or \"14 days\".",
            )
        })?;
        within(time, &range, text, TIMES).map(Duration::from_millis)
    }
}

/// Whole days, at least one: `14 days`.
pub(crate) fn days(text: &str) -> Result<Lifespan, Wrong> {
    /// Ten years: nobody means more.
    const MOST: u64 = 3650;
    const DAY: u64 = 86_400_000;
    measured(text, TIMES)
        .filter(|time| time.is_multiple_of(DAY) && (1..=MOST).contains(&(time / DAY)))
        .and_then(|time| u32::try_from(time / DAY).ok())
        .map(Lifespan::days)
        .ok_or_else(|| {
            Wrong::new(
                format!("“{text}” is not a number of days"),
                format!("Write 1 to {MOST} whole days, for example \"14 days\"."),
            )
        })
}

/// A mail address.
pub(super) fn address(text: &str) -> Result<Address, Wrong> {
    Address::parse(text)
        .map_err(|fault| Wrong::new(fault.to_string(), "Write an address such as \"invite@corp.example\"."))
}

/// A domain name.
pub(super) fn domain(text: &str) -> Result<Domain, Wrong> {
    Domain::parse(text).ok_or_else(|| {
        Wrong::new(format!("“{text}” is not a valid domain"), "Write a name such as \"corp.example\".")
    })
}

/// Where to listen: an IP address and a port.
pub(super) fn socket(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("“{text}” is not an address and a port"),
            "Write for example \"[::]:587\" for all addresses, or \"127.0.0.1:587\".",
        )
    })
}

/// A text of one line, not blank.
pub(super) fn line(text: &str) -> Result<String, Wrong> {
    if text.chars().any(char::is_control) {
        return Err(Wrong::new(
            "it holds a line break or another control character",
            "Write it in one line.",
        ));
    }
    Ok(text.to_owned())
}

/// A sum of `number unit` pairs. The space between the two is optional, and so is the plural of a word.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let behind = behind.trim_start();
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (word, behind) = behind.split_at(end);
        let factor = unit(word, units)?;
        sum = sum.checked_add(digits.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = behind.trim_start();
    }
    (!text.trim().is_empty()).then_some(sum)
}

fn unit(word: &str, units: &[(&str, u64)]) -> Option<u64> {
    let is = |name: &str| {
        // Words have a plural, symbols have none.
        let is_word = name.len() > 2 && name.starts_with(char::is_lowercase);
        let plural = word.strip_suffix('s').filter(|_| is_word);
        word == name || plural == Some(name)
    };
    units.iter().find(|(name, _)| is(name)).map(|(_, factor)| *factor)
}

fn within(value: u64, range: &RangeInclusive<u64>, text: &str, units: &[(&str, u64)]) -> Result<u64, Wrong> {
    if range.contains(&value) {
        return Ok(value);
    }
    let bounds = format!("from {} to {}", in_words(*range.start(), units), in_words(*range.end(), units));
    Err(Wrong::new(format!("“{text}” is outside its bounds"), format!("Write a value {bounds}.")))
}

/// The value in the largest unit that divides it.
fn in_words(value: u64, units: &[(&str, u64)]) -> String {
    let fitting = units.iter().filter(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    match fitting.max_by_key(|(name, factor)| (*factor, name.len())) {
        Some((name, factor)) => {
            let count = value / factor;
            let is_word = name.len() > 3;
            format!("{count} {name}{}", if is_word && count != 1 { "s" } else { "" })
        }
        None => "0".to_owned(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: RangeInclusive<u64> = 0..=u64::MAX;

    #[test]
    fn sizes_are_read_with_their_unit_and_never_without() {
        for (text, octets) in [("50 MiB", 52_428_800), ("1GiB", 1_073_741_824), ("10 kB", 10_000), ("7 B", 7)]
        {
            assert_eq!(size(ANY)(text), Ok(octets), "{text}");
        }
        for text in ["", "50", "MiB", "50 mib", "1.5 GiB", "-1 B", "99999999 TiB", "1 B x", "5 MiBs"] {
            assert!(size(ANY)(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_in_words_and_can_be_added() {
        let read = time(Duration::ZERO..=Duration::MAX);
        for (text, seconds) in [
            ("30 seconds", 30),
            ("5min", 300),
            ("1 hour 30 minutes", 5400),
            ("14 days", 1_209_600),
            ("2 h", 7200),
        ] {
            assert_eq!(read(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["300", "5 fortnights", "soon", "5 mins x", "5 5"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_outside_its_bounds_is_told_the_bounds_in_words() {
        let hour = time(Duration::from_secs(1)..=Duration::from_hours(1));
        assert_eq!(hour("2 hours").unwrap_err().remedy, "Write a value from 1 second to 1 hour.");
        let size = size(1024..=10 << 20);
        assert_eq!(size("1 GiB").unwrap_err().remedy, "Write a value from 1 KiB to 10 MiB.");
        assert_eq!(number(1..=9_u32)("10").unwrap_err().remedy, "Write a whole number from 1 to 9.");
        assert!(number(1..=9_u32)("1.9").is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[0-9 ]{0,22}[ A-Za-zµ.-]{0,12}") {
            let _ = (size(ANY)(&text), time(Duration::ZERO..=Duration::MAX)(&text), days(&text));
        }

        #[test]
        fn a_size_in_words_is_that_size(octets in any::<u64>()) {
            prop_assert_eq!(size(ANY)(&in_words(octets.max(1), SIZES)), Ok(octets.max(1)));
        }
    }

    #[test]
    fn days_are_whole() {
        assert_eq!(days("14 days"), Ok(Lifespan::days(14)));
        assert_eq!(days("2 weeks"), Ok(Lifespan::days(14)));
        for text in ["0 days", "36 hours", "14", "4000 days"] {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
