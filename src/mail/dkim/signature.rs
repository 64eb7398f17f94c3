//! One DKIM-Signature field: which fields it covers, how it is written, what is hashed (RFC 6376 §3.5, §3.7).

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::clock::Timestamp;
use crate::mail::dkim::canonical;
use crate::mail::dkim::key::Key;
use crate::mail::field::{Field, fields};

/// The name of the field.
pub const NAME: &str = "DKIM-Signature";
/// Longest line that is written, without CRLF (RFC 5322 §2.1.1).
const LINE_MAX: usize = 78;
/// Characters of the signature on each line.
const SIGNATURE_LINE: usize = 64;

/// What a reader sees or answers to. Each is named once more than it stands in the header, so that a second one, or a
/// first one where there was none, breaks the signature (RFC 6376 §5.4.2, §8.15): nobody replays our mail under
/// another subject.
const ALWAYS: &[&str] = &["From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID"];

/// What tells how the body is read, of which thread it is, and whose list it came through (RFC 6376 §5.4.1, RFC 8058
/// §4). Where there is one it is guarded as those above; where there is none, a server on the way may yet add it.
///
/// Never among them: Received and Return-Path, which the way itself writes, Bcc, which leaves, and Resent- fields, of
/// which a whole new set may rightly be put in front (RFC 5322 §3.6.6).
const WHERE_PRESENT: &[&str] = &[
    "Sender",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "Content-ID",
    "Content-Description",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
];

/// The names that a signature of this header covers, as `h=` lists them.
#[must_use]
pub fn covered(header: &[u8]) -> Vec<&'static str> {
    let standing = |name: &str| fields(header).filter(|field| field.is(name)).count();
    let always = ALWAYS.iter().map(|name| (*name, standing(name) + 1));
    let present = WHERE_PRESENT.iter().filter_map(|name| match standing(name) {
        0 => None,
        count => Some((*name, count + 1)),
    });
    always.chain(present).flat_map(|(name, count)| std::iter::repeat_n(name, count)).collect()
}

/// What is signed: the covered fields in their canonical form, and at the end the signature's own field, without its
/// signature and without a line break (RFC 6376 §3.7). `value` is what stands behind the own field's colon.
#[must_use]
pub fn canonical_header<N: AsRef<str>>(header: &[u8], covered: &[N], value: &[u8]) -> Vec<u8> {
    let mut standing: HashMap<Vec<u8>, Vec<Field<'_>>> = HashMap::new();
    for field in fields(header) {
        standing.entry(field.name.to_ascii_lowercase()).or_default().push(field);
    }
    let mut form = Vec::new();
    for name in covered {
        let of_that_name = standing.get_mut(name.as_ref().to_ascii_lowercase().as_bytes());
        // The last field of the name first, then upwards; what is not there counts as nothing (RFC 6376 §5.4.2).
        if let Some(field) = of_that_name.and_then(Vec::pop) {
            canonical::field(field.name, field.value, &mut form);
            form.extend_from_slice(b"\r\n");
        }
    }
    canonical::field(NAME.as_bytes(), value, &mut form);
    form
}

/// A field that lacks only its signature.
pub struct Unsigned {
    text: String,
}

impl Unsigned {
    /// All its tags but the last, whose value is still empty.
    #[must_use]
    pub fn new(key: &Key, covered: &[&str], body_hash: &[u8], at: Timestamp, lifetime: Duration) -> Self {
        let signed = at.millis().div_euclid(1000);
        let expires = signed.saturating_add_unsigned(lifetime.as_secs());
        let mut field = Folded { text: format!("{NAME}:"), column: NAME.len() + 1 };
        field.word(" ", "v=1;");
        field.word(" ", &format!("a={};", key.algorithm()));
        field.word(" ", "c=relaxed/relaxed;");
        field.word(" ", &format!("d={};", key.domain));
        field.word(" ", &format!("s={};", key.selector));
        field.word(" ", &format!("t={signed};"));
        field.word(" ", &format!("x={expires};"));
        let last = covered.len().saturating_sub(1);
        for (index, name) in covered.iter().enumerate() {
            let end = if index == last { ';' } else { ':' };
            match index {
                0 => field.word(" ", &format!("h={name}{end}")),
                _ => field.word("", &format!("{name}{end}")),
            }
        }
        field.word(" ", &format!("bh={};", STANDARD.encode(body_hash)));
        field.text.push_str("\r\n\tb=");
        Self { text: field.text }
    }

    /// What stands behind the colon.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.text.as_bytes().get(NAME.len() + 1..).unwrap_or_default()
    }

    /// The whole field, with its CRLF.
    #[must_use]
    pub fn with(self, signature: &[u8]) -> Vec<u8> {
        let mut field = self.text.into_bytes();
        for (index, line) in STANDARD.encode(signature).as_bytes().chunks(SIGNATURE_LINE).enumerate() {
            if index > 0 {
                field.extend_from_slice(b"\r\n\t");
            }
            field.extend_from_slice(line);
        }
        field.extend_from_slice(b"\r\n");
        field
    }
}

/// A field that breaks its lines as it grows.
struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    fn word(&mut self, gap: &str, word: &str) {
        if self.column + gap.len() + word.len() > LINE_MAX {
            self.text.push_str("\r\n\t");
            // A tab is as wide as the reader makes it; eight is the widest in use.
            self.column = 8;
        } else {
            self.text.push_str(gap);
            self.column += gap.len();
        }
        self.text.push_str(word);
        self.column += word.len();
    }
}
