//! The rewriting against mail of every shape, judged by parsers that had no part in it.
//!
//! `tests/corpus` holds mail as clients write it. The name tells what becomes of it: `wrapped-…` is wrapped, `blank-…`
//! has no words in it, all else gets the blocks into its text.

use std::fs;
use std::path::Path;

use mail_parser::MessageParser;
use mailparse::{MailHeaderMap, ParsedMail};
use proptest::prelude::*;

use super::*;
use crate::mail::edit::Edited;
use crate::mail::outline::{Bounds, Outliner};

const LINK: &str = "https://postern.corp.example/i/0123456789abcdefghjkmnpqrs";

fn outline(message: &[u8], chunk: usize) -> Outline {
    let mut outliner = Outliner::new(Bounds { header_octets_max: 100_000, parts_max: 100, depth_max: 20 });
    message.chunks(chunk).for_each(|chunk| outliner.feed(chunk));
    outliner.finish()
}

fn plain_blocks() -> Blocks {
    Blocks {
        top_text: "Ana Lima has invited you to send files.\n".to_owned(),
        top_html: "<div>\n<p>Ana Lima has invited you to send files.</p>\n</div>\n".to_owned(),
        bottom_text: format!("Please follow this link:\n\n{LINK}\n\nIt is valid until Friday.\n"),
        bottom_html: format!(
            "<div>\n<p><a href=\"{LINK}\" style=\"background:#246\">Send files</a></p>\n<p>{LINK}</p>\n</div>\n"
        ),
        link: LINK.to_owned(),
    }
}

fn foreign_blocks() -> Blocks {
    Blocks {
        top_text: "Ana Müller lädt Sie ein – für 5 €.\r\n".to_owned(),
        top_html: "<p>Ana Müller lädt Sie ein – für 5 €. 日本</p>".to_owned(),
        bottom_text: format!("Bitte öffnen Sie:\r\n{LINK}\r\n> gültig bis Freitag\r\n"),
        bottom_html: format!("<p>Bitte öffnen Sie: <a href='{LINK}'>{LINK}</a></p>"),
        link: LINK.to_owned(),
    }
}

fn readdress() -> Readdress {
    let address = |text: &str| text.parse::<Address>().unwrap();
    Readdress {
        remove: vec![address("invite@corp.example")],
        replace: vec![(address("invite+lee=partner.example@corp.example"), address("lee@partner.example"))],
    }
}

fn corpus() -> Vec<(String, Bytes)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut messages: Vec<(String, Bytes)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap().into()))
        .collect();
    messages.sort();
    assert!(messages.len() >= 60, "{} messages", messages.len());
    messages
}

fn copy(original: &Bytes, edits: &Edits) -> Vec<u8> {
    let copy = Edited::new(original, edits);
    copy.read(0..copy.len()).unwrap().to_vec()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect()
}

/// Whether `text` is `part` with something put in at two places at most.
fn holds(text: &str, part: &str) -> bool {
    let (text, part): (Vec<char>, Vec<char>) = (text.chars().collect(), part.chars().collect());
    let start = text.iter().zip(&part).take_while(|(one, other)| one == other).count();
    let (text, part) = (&text[start..], &part[start..]);
    let end = text.iter().rev().zip(part.iter().rev()).take_while(|(one, other)| one == other).count();
    let middle: String = part[..part.len() - end].iter().collect();
    text[..text.len() - end].iter().collect::<String>().contains(&middle)
}

fn leaves<'a, 'b>(mail: &'b ParsedMail<'a>) -> Vec<&'b ParsedMail<'a>> {
    if mail.subparts.is_empty() { vec![mail] } else { mail.subparts.iter().flat_map(leaves).collect() }
}

fn tree(mail: &ParsedMail<'_>) -> String {
    let parts: Vec<String> = mail.subparts.iter().map(tree).collect();
    format!("{}({})", mail.ctype.mimetype, parts.join(" "))
}

fn names(mail: &ParsedMail<'_>) -> Vec<String> {
    mail.headers.iter().map(|header| header.get_key().to_lowercase()).collect()
}

/// Fields that may come, go or be written anew.
fn stays(name: &str, wrapped: bool) -> bool {
    let may_change = ["to", "cc", "bcc", "content-type", "content-transfer-encoding", "mime-version"];
    !(may_change.contains(&name) || wrapped && name.starts_with("content-"))
}

/// What must hold of every copy, by mailparse and mail-parser.
fn judge(name: &str, original: &Bytes, copy: &[u8], how: How) {
    let wrapped = how != How::Inserted;
    let (before, after) = (mailparse::parse_mail(original).unwrap(), mailparse::parse_mail(copy).unwrap());

    for line in copy.split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 998 && !line.contains(&b'\r'), "{name}: a line");
    }
    assert!(!copy.is_ascii() <= !original.is_ascii(), "{name}: eight bits where there were none");
    let fields = |mail: &ParsedMail<'_>| {
        names(mail).into_iter().filter(|name| stays(name, wrapped)).collect::<Vec<_>>()
    };
    // Without the empty line mailparse takes the text for fields.
    if !name.contains("missing-empty-line") {
        assert_eq!(fields(&before), fields(&after), "{name}: order of the fields");
    }
    for field in ["From", "Subject", "Message-ID", "References", "In-Reply-To", "X-Custom"] {
        assert_eq!(
            before.headers.get_all_values(field),
            after.headers.get_all_values(field),
            "{name}: {field}"
        );
    }
    let people = [after.headers.get_all_values("To"), after.headers.get_all_values("Cc")].concat().join(" ");
    assert!(!people.contains("invite"), "{name}: {people}");
    assert!(after.headers.get_first_value("Bcc").is_none(), "{name}: Bcc");

    if wrapped {
        let body = outline(original, 4096).body;
        let body = original.read(body).unwrap();
        assert!(memchr::memmem::find(copy, &body).is_some(), "{name}: the body is not the sender's");
        assert_eq!(after.ctype.mimetype, "multipart/mixed", "{name}");
        assert_eq!(after.subparts.len(), 2, "{name}");
        if !name.contains("two-") && !name.contains("tail") && !name.contains("missing-empty-line") {
            assert_eq!(tree(&after.subparts[1]), tree(&before), "{name}");
        }
        for part in leaves(&after.subparts[0]) {
            assert!(part.get_body().unwrap().contains(LINK), "{name}: no link");
        }
    } else {
        assert_eq!(tree(&before), tree(&after), "{name}: the tree");
        let mut edited = 0;
        for (old, new) in leaves(&before).into_iter().zip(leaves(&after)) {
            if old.raw_bytes == new.raw_bytes {
                continue;
            }
            // The top header changes without its body.
            if body_of(old) == body_of(new) {
                continue;
            }
            edited += 1;
            // Where no charset is said, mailparse reads windows-1252; people write UTF-8.
            let text = |part: &ParsedMail<'_>| match String::from_utf8(part.get_body_raw().unwrap()) {
                Ok(text) if name.contains("unsaid") => text,
                _ => part.get_body().unwrap(),
            };
            let (old, new) = (text(old), text(new));
            assert!(holds(&squeezed(&new), &squeezed(&old)), "{name}: {old}\n---\n{new}");
            assert!(new.contains(LINK), "{name}: no link in {new}");
        }
        assert!(edited > 0, "{name}: nothing was edited");
    }
    let second = MessageParser::default().parse(copy).unwrap();
    let views: Vec<bool> = [second.body_html(0), second.body_text(0)]
        .iter()
        .flatten()
        // mail-parser makes no text of what stands behind a <head> that is not closed.
        .filter(|text| !text.trim().is_empty())
        .map(|text| text.contains(LINK))
        .collect();
    // Alternatives within a later part of a mixed one, which no client writes, lead mail-parser past the first text.
    let seen = if name == "generated" { views.contains(&true) } else { views.iter().all(|seen| *seen) };
    assert!(seen, "{name}: a reader that sees no link in {}", tree(&after));
}

fn body_of<'a>(part: &ParsedMail<'a>) -> &'a [u8] {
    let octets = part.raw_bytes;
    memchr::memmem::find(octets, b"\r\n\r\n").map_or(octets, |at| &octets[at..])
}

#[test]
fn every_message_of_the_corpus_becomes_an_invitation() {
    for (name, original) in corpus() {
        let outline = outline(&original, 61);
        assert_eq!(outline.fault, None, "{name}");
        let expected = if name.starts_with("wrapped-") || outline_has_no_text(&outline) {
            How::Wrapped
        } else {
            How::Inserted
        };
        for blocks in [plain_blocks(), foreign_blocks()] {
            let rewritten = invite(&original, &outline, &blocks, &readdress()).unwrap();
            assert_eq!(rewritten.how, expected, "{name}: {:?}", rewritten.flaw);
            judge(&name, &original, &copy(&original, &rewritten.edits), rewritten.how);
        }
    }
}

fn outline_has_no_text(outline: &Outline) -> bool {
    targets(outline).is_empty()
}

#[test]
fn words_are_seen_where_there_are_some() {
    for (name, original) in corpus() {
        let outline = outline(&original, 4096);
        let expected = !name.starts_with("blank-");
        // A reader of a document of frames sees what the frames point to.
        if name == "wrapped-frameset" {
            continue;
        }
        let seen = has_visible_text(&original, &outline).unwrap();
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn a_courtesy_copy_differs_in_its_header_only() {
    for (name, original) in corpus() {
        let outline = outline(&original, 4096);
        let copy = copy(&original, &courtesy(&outline, &Readdress::default()).unwrap());
        let body = original.read(outline.body.clone()).unwrap();
        assert!(copy.ends_with(&body), "{name}");
        if !name.contains("bcc") {
            assert_eq!(copy, original, "{name}");
        }
    }
}

#[test]
fn the_same_copy_is_made_again() {
    for (name, original) in corpus() {
        let outline = outline(&original, 4096);
        let make = || invite(&original, &outline, &plain_blocks(), &readdress()).unwrap().edits;
        assert_eq!(make(), make(), "{name}");
    }
}

#[test]
fn what_nobody_would_see_is_wrapped_instead() {
    let original = Bytes::from_static(b"Content-Type: text/html\r\n\r\n<p>Hi</p><!-- never closed");
    let rewritten = invite(&original, &outline(&original, 9), &plain_blocks(), &readdress()).unwrap();
    assert_eq!(rewritten.how, How::WrappedAfterFailedCheck);
    assert_eq!(rewritten.flaw.as_deref(), Some("a block that nobody sees"));
    judge("comment", &original, &copy(&original, &rewritten.edits), rewritten.how);
}

#[test]
fn a_block_that_looks_like_a_delimiter_is_put_before_the_message() {
    let original =
        Bytes::from_static(b"Content-Type: multipart/mixed; boundary=-\r\n\r\n---\r\n\r\nHello\r\n-----\r\n");
    let blocks =
        Blocks { top_text: format!("Ana Lima invites you.\n{}\n", "-".repeat(72)), ..plain_blocks() };
    let rewritten = invite(&original, &outline(&original, 9), &blocks, &readdress()).unwrap();
    assert_eq!(rewritten.how, How::WrappedAfterFailedCheck);
    assert_eq!(rewritten.flaw.as_deref(), Some("a structure that can be read in two ways"));
}

#[test]
fn a_header_that_goes_on_behind_nonsense_makes_no_copy() {
    for (rest, is_split) in [
        ("Bcc: max@partner.example\r\n\r\nHello\r\n", true),
        ("content-type : text/html\r\n", true),
        ("P.S.: no field\r\n\r\nSubject: text\r\n", false),
    ] {
        let original = Bytes::from(format!("Subject: x\r\nnonsense\r\n{rest}"));
        let rewritten = invite(&original, &outline(&original, 9), &plain_blocks(), &readdress());
        assert_eq!(rewritten.is_err(), is_split, "{rest}");
    }
}

#[test]
fn blocks_without_the_link_make_no_copy() {
    let original = Bytes::from_static(b"Subject: x\r\n\r\nHello\r\n");
    let blocks = Blocks { bottom_text: "No link here.".to_owned(), ..plain_blocks() };
    let fault = invite(&original, &outline(&original, 9), &blocks, &readdress()).unwrap_err();
    assert!(matches!(fault, RewriteFault::NoLink("text")));
}

#[test]
fn a_text_that_is_too_long_is_wrapped() {
    let line = b"A line of text that is repeated very often.\r\n".as_slice();
    let original = Bytes::from([b"Subject: x\r\n\r\n".as_slice(), &line.repeat(120_000)].concat());
    let outline = outline(&original, 65_536);
    let rewritten = invite(&original, &outline, &plain_blocks(), &readdress()).unwrap();
    assert_eq!(rewritten.how, How::Wrapped);
    assert!(has_visible_text(&original, &outline).unwrap());
}

#[test]
fn plain_text_shows_the_blocks_around_it() {
    let original = Bytes::from_static(
        b"From: a@corp.example\r\nTo: kim@partner.example, invite@corp.example\r\nSubject: x\r\n\r\nHello\r\n",
    );
    let rewritten = invite(&original, &outline(&original, 9), &plain_blocks(), &readdress()).unwrap();
    let copy = String::from_utf8(copy(&original, &rewritten.edits)).unwrap().replace("\r\n", "\n");
    insta::assert_snapshot!(copy, @r"
    From: a@corp.example
    To: kim@partner.example
    Subject: x

    Ana Lima has invited you to send files.

    Hello

    Please follow this link:

    https://postern.corp.example/i/0123456789abcdefghjkmnpqrs

    It is valid until Friday.
    ");
}

/// A message of generated parts, in shapes that the rewriting must be able to edit or wrap.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let text = "[ -~äß€\t]{0,120}(\r\n[ -~äß€\t]{0,120}){0,4}(\r\n)?";
    let leaf = (text, 0_usize..4, 0_usize..4, any::<bool>()).prop_map(|(text, charset, encoding, html)| {
        let label = ["utf-8", "iso-8859-15", "us-ascii", "windows-1252"][charset];
        let encoded: Vec<u8> = match label {
            "utf-8" => text.into_bytes(),
            "us-ascii" => text.chars().filter(char::is_ascii).collect::<String>().into_bytes(),
            _ => Charset::of(Some(label)).unwrap().encode(&text).unwrap(),
        };
        let is_ascii = encoded.is_ascii();
        let (name, body) = match encoding {
            0 => ("quoted-printable", transfer::quoted_printable(&encoded)),
            1 => ("base64", transfer::base64_lines(&encoded)),
            2 if is_ascii => ("7bit", encoded),
            _ => ("8bit", encoded),
        };
        let media = if html { "html" } else { "plain" };
        let header = format!(
            "Content-Type: text/{media}; charset={label}\r\nContent-Transfer-Encoding: {name}\r\n\r\n"
        );
        [header.as_bytes(), &body].concat()
    });
    let part = leaf.prop_recursive(3, 12, 4, |inner| {
        (proptest::collection::vec(inner, 1..4), 0_usize..3, any::<u32>()).prop_map(|(parts, kind, salt)| {
            let kind = ["mixed", "alternative", "related"][kind];
            let boundary = format!("=_b{salt:08x}");
            let mut whole =
                format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n").into_bytes();
            for part in parts {
                whole.extend(format!("--{boundary}\r\n").into_bytes());
                whole.extend(part);
                whole.extend(b"\r\n");
            }
            whole.extend(format!("--{boundary}--\r\n").into_bytes());
            whole
        })
    });
    part.prop_map(|part| {
        let header = "From: a@corp.example\r\nTo: kim@partner.example, invite@corp.example\r\n\
             Subject: x\r\nMIME-Version: 1.0\r\n";
        [header.as_bytes(), &part].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_generated_message_becomes_an_invitation(message in any_message(), foreign: bool) {
        let original = Bytes::from(message);
        let outline = outline(&original, 1000);
        let blocks = if foreign { foreign_blocks() } else { plain_blocks() };
        let rewritten = invite(&original, &outline, &blocks, &readdress()).unwrap();
        judge("generated", &original, &copy(&original, &rewritten.edits), rewritten.how);
    }

    #[test]
    fn nothing_makes_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let original = Bytes::from([b"Content-Type: text/html\r\n\r\n".as_slice(), &octets].concat());
        let outline = outline(&original, 1000);
        let _ = has_visible_text(&original, &outline);
        let _ = invite(&original, &outline, &plain_blocks(), &readdress());
    }
}
