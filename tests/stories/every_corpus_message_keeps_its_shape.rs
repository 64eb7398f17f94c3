//! Every message of the corpus, in every shape that mail programs have thought of, goes through the whole daemon as an
//! invitation. What arrives is judged by a parser that had no part in the edits, and its signatures by a verifier that
//! had no part in making them.

use std::fs;
use std::path::Path;

use mailparse::ParsedMail;

use crate::harness::house::{ALICE, INVITE, LINK};
use crate::harness::reading::{Arrived, fields, halves, media_type};
use crate::harness::signing::open_with_keys;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn every_corpus_message_keeps_its_shape() {
    let (house, verifier) = open_with_keys(|_| ()).await;
    let mut client = house.client_of(ALICE).await;
    let (mut inserted, mut wrapped, mut faults) = (0, 0, Vec::new());
    for (name, sent) in corpus() {
        house.hop.take();
        let answer = client.mail(ALICE, &[KIM, INVITE], &sent).await;
        // The names of the files say what becomes of them.
        // A document of frames shows nothing of its own.
        let is_blank = name.starts_with("blank-") || name == "wrapped-frameset";
        if is_blank || answer.code != 250 {
            if !is_blank || !answer.to_string().starts_with("550 5.6.0") {
                faults.push(format!("{name}: {answer}"));
            }
            continue;
        }
        let arrived = house.hop.wait_for(1).await.remove(0).octets;
        let mut verdicts = verifier.verdicts(&arrived).await;
        verdicts.truncate(2);
        if verdicts != ["rsa: pass", "ed: pass"] {
            faults.push(format!("{name}: {verdicts:?}"));
        }
        match judged(&sent, &arrived) {
            Ok(Shape::Inserted) if !name.starts_with("wrapped-") => inserted += 1,
            Ok(Shape::Wrapped) if name.starts_with("wrapped-") => wrapped += 1,
            Ok(shape) => faults.push(format!("{name}: {shape:?}")),
            Err(fault) => faults.push(format!("{name}: {fault}\n{}", String::from_utf8_lossy(&arrived))),
        }
    }
    client.quit().await;
    println!("{inserted} with blocks inside, {wrapped} wrapped");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    house.close().await;
}

#[derive(Debug)]
enum Shape {
    Inserted,
    Wrapped,
}

/// All messages, each with the sender who is signed in.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut corpus: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, from_alice(&fs::read(path).unwrap()))
        })
        .collect();
    corpus.sort();
    assert!(corpus.len() >= 60, "only {} messages", corpus.len());
    corpus
}

/// The message as Alice sends it: her From in the place of the one it had.
fn from_alice(message: &[u8]) -> Vec<u8> {
    let (header, _) = halves(message);
    let from = format!("From: Alice Archer <{ALICE}>\r\n");
    let mut sent = Vec::with_capacity(message.len() + from.len());
    let mut placed = false;
    for field in fields(header) {
        if !is_named(field, &["from"]) {
            sent.extend_from_slice(field);
        } else if !std::mem::replace(&mut placed, true) {
            sent.extend_from_slice(from.as_bytes());
        }
    }
    if !placed {
        sent = [from.as_bytes(), &sent].concat();
    }
    sent.extend_from_slice(&message[header.len()..]);
    if !sent.ends_with(b"\r\n") {
        sent.extend_from_slice(b"\r\n");
    }
    sent
}

/// What must hold of an invitee's copy.
fn judged(sent: &[u8], arrived: &[u8]) -> Result<Shape, String> {
    lines_are_short_and_end_in_crlf(arrived)?;
    fields_are_kept(sent, arrived)?;
    let (before, after) = (parsed(sent)?, parsed(arrived)?);
    let (leaves, new_leaves) = (leaves(&before), leaves(&after));
    links_survive(arrived)?;

    let same_tree = leaves.len() == new_leaves.len()
        && leaves.iter().zip(&new_leaves).all(|(old, new)| media_type(old) == media_type(new));
    if !same_tree {
        // Not edited, then: the whole body stands inside, to the octet, so that its signatures still verify.
        let (_, body) = halves(sent);
        return if after.ctype.mimetype == "multipart/mixed" && contains(arrived, body) {
            Ok(Shape::Wrapped)
        } else {
            Err("the tree of parts has changed, and it is no wrapping".to_owned())
        };
    }
    let mut edited = 0;
    for (old, new) in leaves.iter().zip(&new_leaves) {
        if old.raw_bytes == new.raw_bytes || old.get_body_raw().ok() == new.get_body_raw().ok() {
            continue;
        }
        edited += 1;
        if !matches!(media_type(old), "text/plain" | "text/html") {
            return Err(format!("a part of type {} was edited", old.ctype.mimetype));
        }
        let (old, new) = (text(old)?, text(new)?);
        if !new.contains(LINK) {
            return Err(format!("an edited part has no link: {new}"));
        }
        if !keeps(&old, &new) {
            return Err(format!("the sender's text has changed:\n{old}\n--- became ---\n{new}"));
        }
    }
    if edited == 0 {
        return Err("no part was edited".to_owned());
    }
    Ok(Shape::Inserted)
}

/// RFC 5322 §2.1.1, RFC 5321 §2.3.8.
fn lines_are_short_and_end_in_crlf(message: &[u8]) -> Result<(), String> {
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Err(format!("a line does not end in CRLF: {}", line.escape_ascii()));
        };
        if line.len() > 998 || line.contains(&b'\r') {
            return Err(format!("a line of {} octets, or with a bare CR", line.len()));
        }
    }
    Ok(())
}

/// All fields that are not about recipients or structure are there, in their order, folded as they were.
fn fields_are_kept(sent: &[u8], arrived: &[u8]) -> Result<(), String> {
    const CHANGED: &[&str] = &[
        "to",
        "cc",
        "bcc",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
        "content-description",
        "content-language",
        "content-class",
        "content-location",
        "content-md5",
    ];
    let arrived = fields(halves(arrived).0);
    let mut behind = arrived.iter();
    // What has no name is no field: the body of somebody who forgot the empty line.
    let is_field = |field: &&[u8]| field.contains(&b':') && !is_named(field, CHANGED);
    for field in fields(halves(sent).0).into_iter().filter(is_field) {
        if !behind.any(|candidate| *candidate == field) {
            return Err(format!("a field is gone, changed or moved: {}", field.escape_ascii()));
        }
    }
    if let Some(bcc) = arrived.iter().find(|field| is_named(field, &["bcc"])) {
        return Err(format!("still there: {}", bcc.escape_ascii()));
    }
    Ok(())
}

/// One link, whole, wherever it stands.
fn links_survive(arrived: &[u8]) -> Result<(), String> {
    let mut links = Arrived::new(arrived).links(LINK);
    links.sort();
    links.dedup();
    match links.as_slice() {
        [link] if link.len() == LINK.len() + 26 => Ok(()),
        other => Err(format!("one link expected: {other:?}")),
    }
}

fn parsed(message: &[u8]) -> Result<ParsedMail<'_>, String> {
    mailparse::parse_mail(message).map_err(|fault| fault.to_string())
}

fn leaves<'a>(mail: &'a ParsedMail<'a>) -> Vec<&'a ParsedMail<'a>> {
    mail.parts().filter(|part| part.subparts.is_empty()).collect()
}

fn text(part: &ParsedMail<'_>) -> Result<String, String> {
    part.get_body().map_err(|fault| fault.to_string())
}

/// Whether the old text stands in the new one, with additions in front, behind, and (in HTML) inside the frame of tags.
fn keeps(old: &str, new: &str) -> bool {
    let (old, new) = (old.trim_end(), new.trim_end());
    let front =
        old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>();
    let (old_rest, new_rest) = (&old[front..], &new[front..]);
    let back: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    new_rest.contains(&old_rest[..old_rest.len() - back])
}

fn is_named(field: &[u8], names: &[&str]) -> bool {
    let name = field.split(|&octet| octet == b':').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).trim_end().to_ascii_lowercase();
    names.contains(&name.as_str())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}
