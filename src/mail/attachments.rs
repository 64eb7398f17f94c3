//! The files that a mail carries: their names and sizes, for whoever wants to know what was sent.

use mail_parser::{MessageParser, MimeHeaders};

use crate::mail::content::{Attachment, TransferEncoding};
use crate::mail::outline::{Outline, Part};

/// Octets of a line of base64 and of its CRLF (RFC 2045 §6.8).
const BASE64_LINE: u64 = 78;

/// A file in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, decoded (RFC 2231, RFC 2047), on one line; empty where it has none.
    pub name: String,
    /// Its octets, decoded: for base64 in lines of the usual length exact within two. Nothing is read for it.
    pub octets: u64,
}

/// The files of a mail, in their order. What lies in an attached mail belongs to that mail.
#[must_use]
pub fn files(outline: &Outline) -> Vec<File> {
    let is_file = |part: &&Part| {
        !part.is_in_attached_message
            && part.parent.is_some()
            && !part.content.is_multipart()
            && part.content.attachment > Attachment::No
    };
    outline.parts.iter().filter(is_file).map(file).collect()
}

fn file(part: &Part) -> File {
    let headers = MessageParser::default().parse_headers(part.header.as_ref());
    let name = headers.as_ref().and_then(|headers| headers.attachment_name()).unwrap_or_default();
    let written = part.body.end.saturating_sub(part.body.start);
    let octets = match part.content.encoding {
        TransferEncoding::Base64 => (written - 2 * (written / BASE64_LINE)) / 4 * 3,
        _ => written,
    };
    File { name: name.replace(char::is_control, " "), octets }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::outline::{Bounds, Outliner};

    fn read(message: &str) -> Vec<(String, u64)> {
        let mut outliner = Outliner::new(Bounds { header_octets_max: 10_000, parts_max: 10, depth_max: 5 });
        outliner.feed(message.replace('\n', "\r\n").as_bytes());
        files(&outliner.finish()).into_iter().map(|file| (file.name, file.octets)).collect()
    }

    #[test]
    fn files_are_named_as_their_sender_named_them() {
        let message = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n\
            --b\nContent-Type: application/pdf; name=Plan.PDF\nContent-Transfer-Encoding: base64\n\n\
            aGVsbG8gd29ybGQh\n\
            --b\nContent-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt\n\n12345\n\
            --b\nContent-Disposition: attachment;\n filename=\"=?utf-8?Q?=C3=9Cbersicht.doc?=\"\n\nab\n\
            --b\nContent-Disposition: attachment\n\nabc\n--b--\n";
        assert_eq!(
            read(message),
            [
                ("Plan.PDF".to_owned(), 12),
                ("Grüße.txt".to_owned(), 5),
                ("Übersicht.doc".to_owned(), 2),
                (String::new(), 3),
            ]
        );
    }

    #[test]
    fn what_is_shown_and_what_lies_in_an_attached_mail_is_no_file() {
        assert_eq!(read("Subject: x\n\nHello\n"), []);
        let message = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n\
            --b\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=old.eml\n\n\
            Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Disposition: attachment; filename=in.txt\n\nx\n\
            --c--\n\n--b--\n";
        assert_eq!(read(message).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["old.eml"]);
    }

    #[test]
    fn long_lines_of_base64_are_counted_without_their_breaks() {
        let line = "A".repeat(76);
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename=a\n\
             Content-Transfer-Encoding: base64\n\n{line}\n{line}\n{line}\nAAAA\n--b--\n"
        );
        assert_eq!(read(&message), [("a".to_owned(), 3 * 57 + 3)]);
    }
}
