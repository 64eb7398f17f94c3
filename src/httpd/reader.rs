//! What somebody reads, as a browser says it (RFC 9110 §12.5.4).

use std::collections::BTreeSet;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

use crate::base::language::Language;

/// Ranges that are looked at; browsers send fewer than ten.
const RANGES_MAX: usize = 32;

/// Of the languages `there` are, the one that the browser likes best; of two that it likes the same, the first.
#[must_use]
pub fn preferred(headers: &HeaderMap, there: &BTreeSet<Language>) -> Option<Language> {
    let text = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let ranges = text.split(',').take(RANGES_MAX).filter_map(range);
    let wanted = ranges.filter(|(language, weight)| *weight > 0 && there.contains(language));
    // `max_by_key` would give the last one of the best.
    let best = wanted.min_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    best.map(|(language, _)| language)
}

/// `de-CH;q=0.8` → German, 800.
fn range(text: &str) -> Option<(Language, u16)> {
    let (tag, parameters) = text.split_once(';').unwrap_or((text, ""));
    let primary = tag.trim().split('-').next()?;
    Some((Language::parse(primary)?, weight(parameters.trim())?))
}

/// RFC 9110 §12.4.2: from 0 to 1 with at most three digits, here in thousandths.
fn weight(text: &str) -> Option<u16> {
    let Some(text) = text.strip_prefix("q=").or_else(|| text.strip_prefix("Q=")) else {
        return text.is_empty().then_some(1000);
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{part:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn preferred_of(text: &str) -> Option<String> {
        let there = ["en", "de", "gsw"].map(|code| Language::parse(code).unwrap()).into();
        let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_str(text).unwrap())]);
        preferred(&headers, &there).map(String::from)
    }

    #[test]
    fn the_browser_gets_what_it_likes_best_of_what_there_is() {
        for (text, language) in [
            ("de-CH,de;q=0.9,en;q=0.8", Some("de")),
            ("en-US,en;q=0.5", Some("en")),
            ("fr-FR, fr;q=0.9, en;q=0.3, de;q=0.7", Some("de")),
            ("de;q=0.5,en;q=0.5", Some("de")),
            ("de;q=0, en;q=0.001", Some("en")),
            ("GSW", Some("gsw")),
            ("fr", None),
            ("*", None),
            ("de;q=2", None),
            ("de;q=0.12345, en;q=x", None),
            (";;;,,,q=1", None),
        ] {
            assert_eq!(preferred_of(text).as_deref(), language, "{text}");
        }
    }

    #[test]
    fn a_long_list_is_not_read_to_its_end() {
        assert_eq!(preferred_of(&("fr,".repeat(RANGES_MAX) + "de")), None);
        assert_eq!(preferred_of(&("fr,".repeat(RANGES_MAX - 1) + "de")).as_deref(), Some("de"));
    }
}
