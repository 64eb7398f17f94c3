//! A mail of the demo as its reader sees it: read anew from the octets that were delivered.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use serde::Serialize;

use crate::base::size::Size;

/// Octets of a mail that its source view shows.
const SOURCE_MAX: usize = 1024 * 1024;
/// Octets of a picture that is shown inside the mail.
const PICTURE_MAX: usize = 2 * 1024 * 1024;

/// Octets of all pictures of a mail as they are shown, those shown twice counted twice: a mail of a few MiB may name
/// one picture thousands of times.
const PICTURES_MAX: usize = 16 * 1024 * 1024;

/// What a mail reader would show.
#[derive(Debug, Default)]
pub struct Reading {
    /// The subject, decoded.
    pub subject: String,
    /// The From field.
    pub from: String,
    /// The To field.
    pub to: String,
    /// The Cc field.
    pub cc: Option<String>,
    /// The HTML to show, where the mail has any: pictures inside, links opening in the whole window.
    pub html: Option<String>,
    /// The plain text to show.
    pub text: String,
    /// What is attached.
    pub attachments: Vec<Attachment>,
}

/// An attached file, by its description.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    name: Option<String>,
    kind: String,
    size: String,
}

impl Reading {
    /// Reads a mail. What is no mail at all reads as an empty one.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(octets) else {
            return Self::default();
        };
        let has_html = message.html_bodies().any(|part| matches!(part.body, PartType::Html(_)));
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            from: people(message.from()),
            to: people(message.to()),
            cc: Some(people(message.cc())).filter(|cc| !cc.is_empty()),
            html: has_html.then(|| html(&message)),
            text: message.text_bodies().map(text_of).collect::<Vec<_>>().join("\n"),
            attachments: message.attachments().map(Attachment::of).collect(),
        }
    }
}

impl Attachment {
    fn of(part: &MessagePart<'_>) -> Self {
        Self {
            name: part.attachment_name().map(ToOwned::to_owned),
            kind: kind(part),
            size: Size(part.len() as u64).to_string(),
        }
    }
}

/// The beginning of the source, as text.
#[must_use]
pub fn source(octets: &[u8]) -> String {
    let shown = octets.get(..SOURCE_MAX).unwrap_or(octets);
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if shown.len() < octets.len() {
        text.push_str("\n\n(The rest is not shown here. Download the mail to see all of it.)");
    }
    text
}

/// All bodies that a reader shows one below the other; plain ones set as they are.
fn html(message: &Message<'_>) -> String {
    let pictures = pictures(message);
    let room = Cell::new(PICTURES_MAX);
    message
        .html_bodies()
        .map(|part| match &part.body {
            PartType::Html(html) => framed(html, &pictures, &room),
            _ => format!("<pre style=\"white-space:pre-wrap\">{}</pre>", escaped(&text_of(part))),
        })
        .collect()
}

/// Links leave the frame, and pictures that travel with the mail are put in where the mail names them (RFC 2392).
fn framed(html: &str, pictures: &HashMap<String, String>, room: &Cell<usize>) -> String {
    let links = element!("a[href], area[href]", |link| Ok(link.set_attribute("target", "_top")?));
    let images = element!("img[src]", |image| {
        let source = image.get_attribute("src").unwrap_or_default();
        if let Some(data) = source.strip_prefix("cid:").and_then(|id| pictures.get(id))
            && let Some(left) = room.get().checked_sub(data.len())
        {
            room.set(left);
            image.set_attribute("src", data)?;
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(links)
        .append_element_content_handler(images);
    rewrite_str(html, settings).unwrap_or_else(|_| html.to_owned())
}

/// Pictures by Content-ID, as `data:` addresses.
fn pictures(message: &Message<'_>) -> HashMap<String, String> {
    message
        .parts
        .iter()
        .filter(|part| part.len() <= PICTURE_MAX)
        .filter_map(|part| {
            let id = part.content_id()?.trim_matches(['<', '>']);
            let kind = kind(part);
            let data = format!("data:{kind};base64,{}", STANDARD.encode(part.contents()));
            kind.starts_with("image/").then(|| (id.to_owned(), data))
        })
        .collect()
}

fn text_of<'a>(part: &'a MessagePart<'_>) -> Cow<'a, str> {
    match &part.body {
        PartType::Html(html) => Cow::Owned(mail_parser::decoders::html::html_to_text(html)),
        _ => part.text_contents().map_or(Cow::Borrowed(""), Cow::Borrowed),
    }
}

fn kind(part: &MessagePart<'_>) -> String {
    part.content_type().map_or_else(
        || "text/plain".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("*")).to_ascii_lowercase(),
    )
}

fn people(field: Option<&Address<'_>>) -> String {
    let Some(field) = field else {
        return String::new();
    };
    let written = field.iter().map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    });
    written.collect::<Vec<_>>().join(", ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: Ana Berg <ana@corp.example>\r\nTo: kim@partner.example\r\n\
        Subject: =?utf-8?q?Br=C3=BCcke?=\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/related; boundary=r\r\n\r\n\
        --r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
        <A HREF=\"https://a.example/i/x\">Open</A><img src=\"cid:logo@x\">\r\n\
        --r\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n\
        --r\r\nContent-Type: application/pdf; name=plan.pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\nPDF\r\n\
        --r--\r\n";

    #[test]
    fn a_mail_is_read_as_its_reader_sees_it() {
        let reading = Reading::of(MAIL.as_bytes());
        assert_eq!(reading.subject, "Brücke");
        assert_eq!(reading.from, "Ana Berg <ana@corp.example>");
        assert_eq!(reading.cc, None);
        let html = reading.html.unwrap();
        assert!(html.contains("target=\"_top\""), "{html}");
        assert!(html.contains("src=\"data:image/png;base64,iVBORw==\""), "{html}");
        assert!(reading.attachments.iter().any(|file| file.name.as_deref() == Some("plan.pdf")));
    }

    #[test]
    fn a_picture_named_often_does_not_fill_the_memory() {
        let picture = "iVBORwAA".repeat(100_000);
        let images = "<img src=\"cid:logo@x\">\r\n".repeat(1000);
        let mail = MAIL.replace("iVBORw==", &picture).replace("<img src=\"cid:logo@x\">", &images);
        let html = Reading::of(mail.as_bytes()).html.unwrap();
        assert!(html.len() <= PICTURES_MAX + 2 * images.len(), "{} octets", html.len());
        assert!(html.contains("data:image/png") && html.contains("cid:logo@x"));
    }

    #[test]
    fn what_is_no_mail_reads_as_an_empty_one() {
        assert_eq!(Reading::of(b"").subject, "");
        assert!(source(&[0xff; 10]).contains('\u{fffd}'));
    }

    #[test]
    fn plain_text_cannot_become_html() {
        let mail = MAIL.replace("text/html", "text/plain").replace("image/png", "text/html");
        let html = Reading::of(mail.as_bytes()).html.unwrap_or_default();
        assert!(!html.contains("<A HREF"), "{html}");
    }
}
