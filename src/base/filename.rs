//! The name of a file as a person gave it: shown, never used as a path.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::base::mailbox::{breaks_line, is_unseen};

/// Octets of a name: what the common file systems take.
pub const OCTETS_MAX: usize = 255;
/// Octets of an ending that survive when a long name is cut.
const ENDING_MAX: usize = 16;

/// A name that does no harm wherever it is saved: one line without paths, reserved characters and turned directions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileName(String);

impl FileName {
    /// The name in a text that a browser or a program sent. Of a path the last part counts. What must not be in a name
    /// becomes `_`, what cannot be seen goes, and a long one loses its middle, not its ending. `None` where nothing is
    /// left of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let seen: String = last
            .chars()
            .filter(|c| !is_unseen(*c))
            // NTFS and FAT reserve these, and so do shells.
            .map(|c| if breaks_line(c) || "<>:\"|?*".contains(c) { '_' } else { c })
            .collect();
        // Windows drops points and spaces at the end; a point at the front hides the file elsewhere.
        let name = seen.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
        let mut name = shortened(name, OCTETS_MAX);
        // Asked of what is left: a name may be a device's only without its middle.
        if is_device(&name) {
            name = format!("_{}", shortened(&name, OCTETS_MAX - 1));
        }
        (!name.is_empty()).then_some(Self(name))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the last point, in lower case.
    #[must_use]
    pub fn extension(&self) -> Option<String> {
        let (_, extension) = self.0.rsplit_once('.')?;
        Some(extension.to_lowercase())
    }

    /// The same name with a number before its ending: `plan (2).pdf`.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        let mark = format!(" ({number})");
        let (stem, ending) = split(&self.0);
        let stem = cut(stem, OCTETS_MAX.saturating_sub(mark.len() + ending.len()));
        Self(format!("{stem}{mark}{ending}"))
    }

    /// The value of `Content-Disposition` that makes a browser save the file under this name (RFC 6266 §4.3): for old
    /// ones in ASCII, for the others as it is (RFC 8187 §3.2).
    #[must_use]
    pub fn disposition(&self) -> String {
        // Percent signs and backslashes in the plain form are read differently by different browsers (RFC 6266 App. D).
        let plain: String = self
            .0
            .chars()
            .map(|c| if matches!(c, ' '..='~') && !"\"\\%".contains(c) { c } else { '_' })
            .collect();
        let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
        for octet in self.0.bytes() {
            // attr-char, RFC 8187 §3.2.1.
            if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&octet) {
                value.push(char::from(octet));
            } else {
                // Writing into a text cannot fail.
                let _ = write!(value, "%{octet:02X}");
            }
        }
        value
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names that Windows keeps for devices, whatever their ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device| {
        stem.strip_prefix(device)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// The name and its ending, point included.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= ENDING_MAX => name.split_at(at),
        _ => (name, ""),
    }
}

fn shortened(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let (stem, ending) = split(name);
    // Where it was cut there may be points and spaces again.
    format!("{}{ending}", cut(stem, max.saturating_sub(ending.len())).trim_end_matches(['.', ' ']))
}

/// At most so many octets, whole characters.
fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> String {
        FileName::parse(text).map_or_else(|| "-".to_owned(), |name| name.0)
    }

    #[test]
    fn a_name_is_no_path_and_no_trick() {
        for (text, expected) in [
            ("plan.pdf", "plan.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Kim\\plan.pdf", "plan.pdf"),
            (".htaccess", "htaccess"),
            ("annex\u{202e}fdp.exe", "annexfdp.exe"),
            ("a\r\nX: y\0.txt", "a__X_ y_.txt"),
            ("report .", "report"),
            ("con.txt", "_con.txt"),
            ("COM1", "_COM1"),
            ("Übersicht 2026 – größer?.pdf", "Übersicht 2026 – größer_.pdf"),
            ("..", "-"),
            ("/", "-"),
            ("", "-"),
        ] {
            assert_eq!(name(text), expected, "{text:?}");
        }
        let long = name(&format!("{}.drawing.pdf", "ü".repeat(300)));
        assert!(long.len() <= OCTETS_MAX && long.ends_with("ü.pdf"), "{long}");
        assert_eq!(name(&format!("CON{}x.txt", " ".repeat(300))), "_CON.txt");
        let device = name(&format!("con.{}.pdf", "x".repeat(300)));
        assert!(device.len() <= OCTETS_MAX && device.starts_with("_con.x"), "{device}");
        assert_eq!(name(&format!("plan{}.{}end of it", ".".repeat(300), " ".repeat(40))), "plan");
    }

    #[test]
    fn a_browser_is_told_the_name_in_both_ways() {
        let name = FileName::parse("Größe 100%.pdf").unwrap();
        assert_eq!(
            name.disposition(),
            "attachment; filename=\"Gr__e 100_.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20100%25.pdf"
        );
        assert_eq!(name.extension().as_deref(), Some("pdf"));
        assert_eq!(name.numbered(2).as_str(), "Größe 100% (2).pdf");
    }

    proptest! {
        #[test]
        fn whatever_was_typed_becomes_one_safe_word(text in any::<String>()) {
            let Some(name) = FileName::parse(&text) else { return Ok(()) };
            prop_assert!(!name.0.is_empty() && name.0.len() <= OCTETS_MAX);
            prop_assert!(!name.0.contains(['/', '\\', '\0', '\n', '\r', '"']) && !name.0.starts_with('.'));
            prop_assert!(name.disposition().bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert!(name.numbered(usize::MAX).0.len() <= OCTETS_MAX);
            // What was stored once reads the same for ever.
            prop_assert_eq!(FileName::parse(&name.0), Some(name));
        }
    }
}
