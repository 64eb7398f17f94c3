//! What a submission server adds to a header that lacks it (RFC 6409 §8), as edits.

use mail_builder::headers::Header;
use mail_builder::headers::text::Text;

use crate::base::address::Domain;
use crate::base::clock::Timestamp;
use crate::mail::edit::Edit;
use crate::mail::field;
use crate::mail::message::Facts;
use crate::mail::trace;

/// Stands in each invitation that has passed a gateway of this kind.
const LOOP_FIELD: &str = "X-Postern-Loop";

/// `Message-ID` and `Date` where they are missing, right below our Received field, which is the header's first.
#[must_use]
pub fn missing(header: &[u8], facts: &Facts, host: &Domain, at: Timestamp) -> Option<Edit> {
    let fields = trace::missing_fields(facts.message_id.is_some(), facts.has_date, host, at);
    (!fields.is_empty()).then(|| Edit::insert(below_first(header), fields))
}

/// A subject for a mail that has none, or an empty one.
#[must_use]
pub fn subject(header: &[u8], subject: &str) -> Edit {
    let mut line = b"Subject: ".to_vec();
    Text::new(subject).write_header(&mut line, "Subject: ".len());
    match field::fields(header).find(|field| field.is("Subject")) {
        Some(blank) => Edit::replace(blank.range.start as u64..blank.range.end as u64, line),
        None => Edit::insert(below_first(header), line),
    }
}

/// Marks a copy of an invitation as ours: should it come back, it must not invite again.
#[must_use]
pub fn loop_mark(header: &[u8], host: &Domain) -> Edit {
    Edit::insert(below_first(header), format!("{LOOP_FIELD}: {host}\r\n").into_bytes())
}

/// Whether a message bears the mark, be it ours or another gateway's.
#[must_use]
pub fn has_loop_mark(header: &[u8]) -> bool {
    field::fields(header).any(|field| field.is(LOOP_FIELD))
}

fn below_first(header: &[u8]) -> u64 {
    field::fields(header).next().map_or(0, |first| first.range.end as u64)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::mail::edit::{Edited, Edits, Source};

    fn edited(header: &str, edit: Edit) -> String {
        let original = Bytes::copy_from_slice(header.as_bytes());
        let edits = Edits::new(vec![edit]).unwrap();
        let copy = Edited::new(&original, &edits);
        String::from_utf8(copy.read(0..copy.len()).unwrap().to_vec()).unwrap()
    }

    const HEADER: &str = "Received: from a\r\n\tby b\r\nFrom: a@b.example\r\n\r\n";

    #[test]
    fn what_is_missing_comes_below_received() {
        let host = Domain::parse("postern.corp.example").unwrap();
        let edit = missing(HEADER.as_bytes(), &Facts::default(), &host, Timestamp::from_millis(0)).unwrap();
        let header = edited(HEADER, edit);
        assert!(header.starts_with("Received: from a\r\n\tby b\r\nDate: Thu, 01 Jan 1970"), "{header}");
        assert!(header.ends_with("@postern.corp.example>\r\nFrom: a@b.example\r\n\r\n"), "{header}");
    }

    #[test]
    fn a_blank_subject_is_filled_in_where_it_stands() {
        let header = edited(
            "Received: x\r\nsubject:  \r\nTo: c@d.example\r\n\r\n",
            subject(b"Received: x\r\nsubject:  \r\nTo: c@d.example\r\n\r\n", "Come in"),
        );
        assert_eq!(header, "Received: x\r\nSubject: Come in\r\nTo: c@d.example\r\n\r\n");
        let header = edited(HEADER, subject(HEADER.as_bytes(), "Grüße"));
        assert!(header.contains("\tby b\r\nSubject: =?utf-8?"), "{header}");
    }

    #[test]
    fn a_marked_copy_is_recognised() {
        let host = Domain::parse("postern.corp.example").unwrap();
        assert!(!has_loop_mark(HEADER.as_bytes()));
        let header = edited(HEADER, loop_mark(HEADER.as_bytes(), &host));
        assert!(header.contains("\tby b\r\nX-Postern-Loop: postern.corp.example\r\nFrom:"), "{header}");
        assert!(has_loop_mark(header.to_lowercase().as_bytes()));
    }
}
