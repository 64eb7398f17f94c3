//! Values with parameters: `head; name=value; …` (RFC 2045 §5.1, RFC 2231).

use std::collections::BTreeMap;

/// Parameters of one field that are read; the rest is passed over.
const PARAMETERS_MAX: usize = 64;

/// A value and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Without comments, in lower case.
    pub head: String,
    /// By name in lower case, sections joined, decoded.
    pub values: BTreeMap<String, String>,
    /// A boundary or a charset is given twice, differently, or it is not clear where the boundary ends.
    pub contradictory: bool,
}

/// One section of a parameter (RFC 2231 §3).
struct Section {
    number: usize,
    /// Percent-encoded (RFC 2231 §4).
    extended: bool,
    value: Vec<u8>,
}

impl Parameters {
    /// Reads a field's value.
    #[must_use]
    pub fn read(octets: &[u8]) -> Self {
        let mut cursor = Cursor { rest: octets };
        let head = cursor.head().to_ascii_lowercase();
        let mut sections: BTreeMap<String, Vec<Section>> = BTreeMap::new();
        let mut is_boundary_unclear = false;
        for _ in 0..PARAMETERS_MAX {
            if !cursor.skip_past(b';') {
                break;
            }
            let attribute = cursor.word(b";=").to_ascii_lowercase();
            if attribute.is_empty() || !cursor.take(b'=') {
                continue;
            }
            let value = cursor.value();
            cursor.skip_space();
            let (name, number, extended) = section_of(&attribute);
            // Some readers take more for the boundary than stands in its quotes, or before a space.
            is_boundary_unclear |=
                name == "boundary" && cursor.rest.first().is_some_and(|&next| next != b';');
            sections.entry(name.to_owned()).or_default().push(Section { number, extended, value });
        }
        // Only these two decide how the octets are read.
        let contradictory = is_boundary_unclear
            || ["boundary", "charset"].iter().filter_map(|name| sections.get(*name)).any(|said| differ(said));
        let values = sections.into_iter().map(|(name, sections)| (name, joined(sections))).collect();
        Self { head, values, contradictory }
    }
}

/// `name`, `name*`, `name*0`, `name*0*`: the name, the section, and whether it is percent-encoded.
fn section_of(attribute: &str) -> (&str, usize, bool) {
    let (plain, extended) = match attribute.strip_suffix('*') {
        Some(plain) => (plain, true),
        None => (attribute, false),
    };
    match plain.rsplit_once('*') {
        Some((name, digits)) => match digits.parse() {
            Ok(number) => (name, number, extended),
            Err(_) => (plain, 0, extended),
        },
        None => (plain, 0, extended),
    }
}

/// Whether a parameter is given twice with different values.
fn differ(sections: &[Section]) -> bool {
    let clash = |one: &Section, other: &Section| one.number == other.number && one.value != other.value;
    sections
        .iter()
        .enumerate()
        .any(|(index, one)| sections.iter().skip(index + 1).any(|other| clash(one, other)))
}

/// The sections in their order, decoded. The charset of an extended value is not needed: what is used is ASCII.
fn joined(mut sections: Vec<Section>) -> String {
    sections.sort_by_key(|section| section.number);
    sections.dedup_by_key(|section| section.number);
    let mut whole = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let value = section.value.as_slice();
        if !section.extended {
            whole.extend_from_slice(value);
            continue;
        }
        // The first section names charset and language: `utf-8'en'text` (RFC 2231 §4).
        let text = if index == 0 { value.splitn(3, |&b| b == b'\'').nth(2).unwrap_or(value) } else { value };
        whole.extend(percent_decoded(text));
    }
    String::from_utf8_lossy(&whole).into_owned()
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let escape = behind.get(..2).filter(|_| first == b'%');
        let octet = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(octet.unwrap_or(first));
        rest = if octet.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    decoded
}

/// Reads a structured value from left to right; white space and comments (RFC 5322 §3.2.2) stand anywhere.
pub(super) struct Cursor<'a> {
    /// What is still to be read.
    pub(super) rest: &'a [u8],
}

impl Cursor<'_> {
    /// What stands before the first parameter. Space and comments may stand around the slash.
    fn head(&mut self) -> String {
        let mut head = self.word(b";");
        if head.ends_with('/') || self.rest.first() == Some(&b'/') {
            head.push_str(&self.word(b";"));
        }
        if head.ends_with('/') {
            head.push_str(&self.word(b";"));
        }
        head
    }

    /// A run of octets up to white space, a comment or one of `ends`; the rest begins behind space and comments.
    pub(super) fn word(&mut self, ends: &[u8]) -> String {
        self.skip_space();
        let is_end = |b: &u8| b.is_ascii_whitespace() || *b == b'(' || ends.contains(b);
        let len = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(len);
        self.rest = rest;
        let word = String::from_utf8_lossy(word).into_owned();
        self.skip_space();
        word
    }

    /// A quoted string, or a word. Clients forget the quotes around `=`, `/` and `:`, so these do not end it.
    fn value(&mut self) -> Vec<u8> {
        self.skip_space();
        match self.rest.split_first() {
            Some((b'"', inner)) => {
                let mut value = Vec::new();
                let mut rest = inner;
                while let Some((&octet, behind)) = rest.split_first() {
                    rest = behind;
                    match (octet, behind.split_first()) {
                        (b'"', _) => break,
                        (b'\\', Some((&escaped, behind))) => {
                            value.push(escaped);
                            rest = behind;
                        }
                        // Folding inside quotes: the line break goes, the space stays (RFC 5322 §3.2.4).
                        (b'\r' | b'\n', _) => {}
                        _ => value.push(octet),
                    }
                }
                self.rest = rest;
                value
            }
            _ => self.word(b";").into_bytes(),
        }
    }

    fn take(&mut self, octet: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == octet => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Goes behind the next `octet` outside quotes; false if there is none.
    fn skip_past(&mut self, octet: u8) -> bool {
        loop {
            self.skip_space();
            match self.rest.split_first() {
                None => return false,
                Some((b'"', _)) => drop(self.value()),
                Some((&first, rest)) => {
                    self.rest = rest;
                    if first == octet {
                        return true;
                    }
                }
            }
        }
    }

    /// White space and comments, which may be nested.
    fn skip_space(&mut self) {
        let mut depth = 0_usize;
        let mut escaped = false;
        let outside = |b: &u8| {
            match b {
                _ if escaped => escaped = false,
                b'\\' if depth > 0 => escaped = true,
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                _ => return depth == 0 && !b.is_ascii_whitespace(),
            }
            false
        };
        let len = self.rest.iter().position(outside).unwrap_or(self.rest.len());
        self.rest = self.rest.get(len..).unwrap_or_default();
    }
}
