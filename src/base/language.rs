//! The language that somebody reads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language by its primary subtag (RFC 5646 §2.2.1), which is the code of ISO 639: `en`, `de`, `gsw`. Neither script
/// nor region: texts of ours differ by the language only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Language {
    /// Lower-case ASCII letters; the last one of a code of two is 0.
    code: [u8; 3],
}

/// A text that is no language's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is written as a code of two or three letters, such as \"en\" or \"de\"")]
pub struct NoLanguage;

impl Language {
    /// English: every text is there in it, so that it stands in for those that others lack.
    pub const ENGLISH: Self = Self { code: *b"en\0" };

    /// Reads `de` or `DE` (codes are the same in capitals, RFC 5646 §2.1.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code = match *text.as_bytes() {
            [one, two] => [one, two, 0],
            [one, two, three] => [one, two, three],
            _ => return None,
        };
        text.bytes()
            .all(|letter| letter.is_ascii_alphabetic())
            .then(|| Self { code: code.map(|letter| letter.to_ascii_lowercase()) })
    }

    /// The code, as HTML and mail headers write it.
    #[must_use]
    pub fn code(&self) -> &str {
        let letters = self.code.strip_suffix(b"\0").unwrap_or(&self.code);
        str::from_utf8(letters).unwrap_or_default()
    }
}

impl FromStr for Language {
    type Err = NoLanguage;

    fn from_str(text: &str) -> Result<Self, NoLanguage> {
        Self::parse(text).ok_or(NoLanguage)
    }
}

impl TryFrom<String> for Language {
    type Error = NoLanguage;

    fn try_from(text: String) -> Result<Self, NoLanguage> {
        text.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.code().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_two_or_three_letters_in_any_case() {
        for (text, code) in [("de", "de"), ("DE", "de"), ("gsw", "gsw"), ("En", "en")] {
            assert_eq!(Language::parse(text).unwrap().code(), code);
        }
        assert_eq!(Language::parse("en"), Some(Language::ENGLISH));
        for text in ["", "d", "mail", "30d", "d1", "de-CH", "dé", "d\0", "de\0"] {
            assert_eq!(Language::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_kept_one_is_read_back_and_checked() {
        let german = Language::parse("de").unwrap();
        let kept = serde_json::to_string(&german).unwrap();
        assert_eq!(kept, "\"de\"");
        assert_eq!(serde_json::from_str::<Language>(&kept).unwrap(), german);
        assert!(serde_json::from_str::<Language>("\"../x\"").is_err());
    }
}
