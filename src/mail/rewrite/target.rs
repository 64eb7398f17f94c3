//! What of a message may be edited: the parts that a client shows as its text, or nothing at all.

use crate::mail::content::{Attachment, TransferEncoding};
use crate::mail::outline::{Outline, Part};

/// A part that gets the blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its index in the outline.
    pub index: usize,
    /// How its text is written.
    pub form: Form,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// text/plain
    Plain,
    /// text/html
    Html,
}

/// Content that breaks, or hides what is added, when it is edited: signed, encrypted (RFC 8551, RFC 3156), a meeting
/// request (RFC 5546), Outlook's own format.
const SEALED_MEDIA: &[&str] = &[
    "multipart/signed",
    "multipart/encrypted",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
    "application/pgp",
    "application/pgp-encrypted",
    "application/ms-tnef",
    "application/vnd.ms-tnef",
];

/// Whether the message carries sealed content outside attached messages.
#[must_use]
pub fn is_sealed(outline: &Outline) -> bool {
    outline.parts.iter().filter(|part| !part.is_in_attached_message).any(|part| {
        let content = &part.content;
        let name = content.file_name.as_deref().unwrap_or_default();
        SEALED_MEDIA.contains(&content.media.as_str())
            || (content.media == "text/calendar"
                && (content.attachment < Attachment::Yes || content.method.is_some()))
            || name == "winmail.dat"
            || name == "smime.p7m"
    })
}

/// Whether readers may disagree about what the parts are. Attached messages do not matter: they are not edited.
#[must_use]
pub fn is_doubtful(outline: &Outline) -> bool {
    outline.parts.iter().any(|part| part.doubtful && !part.is_in_attached_message)
}

/// The parts to edit, in order; empty if there is no text, or if a client may show another part instead of them.
#[must_use]
pub fn targets(outline: &Outline) -> Vec<Target> {
    // Some clients give the text itself a file name; it counts if there is no other.
    for shown in [Attachment::No, Attachment::Named] {
        let mut search = TextSearch { outline, shown, found: Vec::new() };
        match outline.parts.first().map(|whole| search.part(0, whole)) {
            Some(Search::Found) => return search.found,
            Some(Search::Unreachable) | None => break,
            Some(Search::Nothing) => {}
        }
    }
    Vec::new()
}

/// All texts that some reader shows, those included that cannot be edited.
pub fn shown_texts(outline: &Outline) -> impl Iterator<Item = &Part> {
    outline.parts.iter().filter(|part| {
        part.content.media.starts_with("text/")
            && part.content.attachment < Attachment::Yes
            && !part.is_in_attached_message
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    Found,
    /// Nothing that is shown as text.
    Nothing,
    /// Something is shown that cannot be edited.
    Unreachable,
}

struct TextSearch<'a> {
    outline: &'a Outline,
    /// A part that is more of an attachment is passed over.
    shown: Attachment,
    found: Vec<Target>,
}

impl TextSearch<'_> {
    /// Recursion ends with the tree, whose depth the outline has bounded.
    fn part(&mut self, index: usize, part: &Part) -> Search {
        let outline = self.outline;
        let mut children = outline.children(index);
        match part.content.media.as_str() {
            "multipart/alternative" => {
                // Each reader shows one of them, so each must carry the blocks.
                let searches: Vec<Search> = children.map(|(child, part)| self.part(child, part)).collect();
                match searches.as_slice() {
                    [] => Search::Nothing,
                    all if all.iter().all(|search| *search == Search::Found) => Search::Found,
                    _ => Search::Unreachable,
                }
            }
            "multipart/related" => {
                // RFC 2387 §3.2: the root is named, or the first.
                let start = part.content.start.as_deref();
                let is_root =
                    |(_, child): &(usize, &Part)| start.is_some() && child.content.id.as_deref() == start;
                let root = outline.children(index).find(is_root).or_else(|| children.next());
                root.map_or(Search::Nothing, |(child, part)| self.part(child, part))
            }
            // Unknown multiparts are mixed ones (RFC 2046 §5.1.3).
            media if media.starts_with("multipart/") => children
                .map(|(child, part)| self.part(child, part))
                .find(|search| *search != Search::Nothing)
                .unwrap_or(Search::Nothing),
            _ => self.leaf(index, part),
        }
    }

    fn leaf(&mut self, index: usize, part: &Part) -> Search {
        if part.content.attachment > self.shown {
            return Search::Nothing;
        }
        let form = match part.content.media.as_str() {
            "text/plain" => Form::Plain,
            "text/html" => Form::Html,
            media if media.starts_with("text/") => return Search::Unreachable,
            _ => return Search::Nothing,
        };
        if part.content.encoding == TransferEncoding::Unknown {
            return Search::Unreachable;
        }
        self.found.push(Target { index, form });
        Search::Found
    }
}
