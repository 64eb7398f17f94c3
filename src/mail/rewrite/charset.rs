//! Character sets of parts, by the names that mail gives them (RFC 2046 §4.1.2, WHATWG Encoding §4.2).

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How the characters of a part are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// US-ASCII, said or assumed (RFC 2045 §5.2).
    Ascii,
    /// ISO 8859-1 proper: windows-1252 without what that puts at 0x80 to 0x9F.
    Latin1,
    /// Any other that can be read and written.
    Known(&'static Encoding),
}

impl Charset {
    /// Finds the charset by its label; `None` where nobody here can read it.
    #[must_use]
    pub fn of(label: Option<&str>) -> Option<Self> {
        match label {
            None
            | Some("us-ascii" | "ascii" | "us" | "ansi_x3.4-1968" | "iso646-us" | "iso_646.irv:1991") => {
                Some(Self::Ascii)
            }
            Some("iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "l1") => Some(Self::Latin1),
            Some(label) => Encoding::for_label_no_replacement(label.as_bytes()).map(Self::Known),
        }
    }

    /// The octets of a text; `None` if some character has none.
    #[must_use]
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => {
                text.chars().map(|c| u8::try_from(c).ok().filter(|b| !(0x80..0xA0).contains(b))).collect()
            }
            // encoding_rs reads these and does not write them.
            Self::Known(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => None,
            Self::Known(encoding) => {
                let (octets, _, has_unmappable) = encoding.encode(text);
                (!has_unmappable).then(|| octets.into_owned())
            }
        }
    }

    /// The text of some octets. What is wrong in them becomes U+FFFD; a byte order mark goes.
    #[must_use]
    pub fn decode(self, octets: &[u8]) -> String {
        let encoding = match self {
            Self::Ascii if std::str::from_utf8(octets).is_ok() => UTF_8,
            Self::Ascii | Self::Latin1 => WINDOWS_1252,
            Self::Known(encoding) => encoding,
        };
        encoding.decode(octets).0.into_owned()
    }

    /// Whether every octet below 128 is the ASCII character, wherever it stands outside a multi-octet character.
    #[must_use]
    pub fn is_ascii_compatible(self) -> bool {
        match self {
            Self::Ascii | Self::Latin1 => true,
            Self::Known(encoding) => encoding.is_ascii_compatible(),
        }
    }

    /// Whether it shifts between sets by escape sequences (RFC 1468), so that `<` may be half a character.
    #[must_use]
    pub fn is_iso_2022_jp(self) -> bool {
        self == Self::Known(ISO_2022_JP)
    }

    /// Octets of the byte order mark that a text begins with. Nothing may be put before it.
    #[must_use]
    pub fn mark_len(self, octets: &[u8]) -> usize {
        match self {
            Self::Known(encoding) if encoding == UTF_8 && octets.starts_with(b"\xEF\xBB\xBF") => 3,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_where_the_charset_can() {
        let written = |label: &str, text: &str| Charset::of(Some(label)).unwrap().encode(text);
        assert_eq!(written("iso-8859-1", "ü"), Some(vec![0xFC]));
        assert_eq!(written("iso-8859-1", "€"), None);
        assert_eq!(written("windows-1252", "€"), Some(vec![0x80]));
        assert_eq!(written("koi8-r", "Да"), Some(vec![0xE4, 0xC1]));
        assert_eq!(written("us-ascii", "ü"), None);
        assert_eq!(written("utf-16", "a"), None);
        assert_eq!(written("iso-2022-jp", "日本").unwrap(), b"\x1b$BF|K\\\x1b(B");
    }

    #[test]
    fn what_nobody_can_read_is_unknown() {
        assert_eq!(Charset::of(Some("x-martian")), None);
        assert_eq!(Charset::of(Some("utf-7")), None);
        assert_eq!(Charset::of(Some("hz-gb-2312")), None);
    }

    #[test]
    fn unsaid_charsets_are_read_as_what_they_look_like() {
        assert_eq!(Charset::Ascii.decode("ü".as_bytes()), "ü");
        assert_eq!(Charset::Ascii.decode(b"\xFC"), "ü");
    }
}
