//! What must hold of an invitee's copy, seen by mailparse, which had no part in making it.

use mailparse::{MailHeaderMap, ParsedMail};

/// Every link begins so in the copies that are made here.
pub const LINK: &str = "https://postern.corp.example/i/";

/// Judges; the fault is in words.
pub fn judged(sent: &[u8], copy: &[u8]) -> Result<(), String> {
    for line in copy.split_inclusive(|&octet| octet == b'\n') {
        let is_last = !line.ends_with(b"\n");
        let text = line.strip_suffix(b"\r\n").or(is_last.then_some(line)).ok_or("a bare LF")?;
        if text.len() > 998 || text.contains(&b'\r') {
            return Err(format!("a line of {} octets, or a bare CR", text.len()));
        }
    }
    if sent.is_ascii() && !copy.is_ascii() {
        return Err("eight bits where there were none".to_owned());
    }
    let parsed = |octets| mailparse::parse_mail(octets);
    // What mailparse cannot read at all it cannot judge.
    let (Ok(before), Ok(after)) = (parsed(sent), parsed(copy)) else { return Ok(()) };
    let (old, new) = (leaves(&before), leaves(&after));
    let is_wrapped = after.subparts.len() == 2
        && tree(&after.subparts[0]) == "multipart/alternative(text/plain text/html)"
        && has_link(&after.subparts[0]);
    if is_wrapped && old.len() != new.len() {
        return wrapped(&before, &after, sent, copy);
    }
    let mut edited = 0;
    for (old, new) in old.iter().zip(&new) {
        if body(old) == body(new) {
            continue;
        }
        if !matches!(media(new), "text/plain" | "text/html" | "text") {
            return Err(format!("a part of type {} was edited", new.ctype.mimetype));
        }
        edited += 1;
        // Where mailparse cannot read an encoding that others can, it cannot judge either.
        let Some(new_text) = text(new) else { continue };
        if !holds_link(&new_text) {
            return Err(format!("an edited part without the link: {new_text}"));
        }
        let Some(old_text) = text(old).filter(|_| is_readable(old)) else { continue };
        if !keeps(&squeezed(&old_text), &squeezed(&new_text)) {
            return Err(format!("the text has changed:\n{old_text}\n---\n{new_text}"));
        }
    }
    match (old.len() == new.len(), edited) {
        (false, _) => Err(format!("{} became {}", tree(&before), tree(&after))),
        (true, 0) => Err(format!("no edited part in {}", tree(&after))),
        (true, _) => Ok(()),
    }
}

fn wrapped(before: &ParsedMail<'_>, after: &ParsedMail<'_>, sent: &[u8], copy: &[u8]) -> Result<(), String> {
    let is_whole = leaves(&after.subparts[0]).iter().all(|leaf| has_link(leaf));
    if !is_whole {
        return Err("a block without the link".to_owned());
    }
    let body = memchr::memmem::find(sent, b"\r\n\r\n").map_or(&b""[..], |at| &sent[at + 4..]);
    if memchr::memmem::find(copy, body).is_none() {
        return Err("the body is not the sender's".to_owned());
    }
    let (old, new) = (tree(before), tree(&after.subparts[1]));
    // mailparse passes over lines that are no fields, and so misses a delimiter among them.
    let header = &sent[..memchr::memmem::find(sent, b"\r\n\r\n").unwrap_or(sent.len())];
    let is_split = header
        .split(|&b| b == b'\n')
        .any(|line| !line.contains(&b':') && !line.starts_with(b" ") && !line.starts_with(b"\t"));
    if old == new || is_split { Ok(()) } else { Err(format!("wrapped: {old} became {new}")) }
}

fn leaves<'a>(mail: &'a ParsedMail<'a>) -> Vec<&'a ParsedMail<'a>> {
    mail.parts().filter(|part| part.subparts.is_empty()).collect()
}

/// Without what people write in brackets behind it (RFC 2045 §5.1).
fn media<'a>(part: &'a ParsedMail<'_>) -> &'a str {
    part.ctype.mimetype.split(['(', ' ']).next().unwrap_or_default()
}

/// Where no charset is said, people write UTF-8, and mailparse reads windows-1252.
fn text(part: &ParsedMail<'_>) -> Option<String> {
    let octets = part.get_body_raw().ok()?;
    match String::from_utf8(octets) {
        Ok(text) if part.ctype.charset == "us-ascii" => Some(text),
        _ => part.get_body().ok(),
    }
}

/// mailparse drops what must not stand in quoted-printable (RFC 2045 §6.7), and takes a comment in a Content-Type for
/// more than that.
fn is_readable(part: &ParsedMail<'_>) -> bool {
    let field = |name| part.headers.get_first_value(name).unwrap_or_default().to_ascii_lowercase();
    let is_clean = body(part).iter().all(|octet| octet.is_ascii_graphic() || octet.is_ascii_whitespace());
    let is_clean = is_clean && escapes_are_right(&body(part));
    (is_clean || !field("Content-Transfer-Encoding").contains("quoted"))
        && !field("Content-Type").contains('(')
}

fn escapes_are_right(quoted: &[u8]) -> bool {
    memchr::memchr_iter(b'=', quoted).all(|at| match &quoted[at + 1..] {
        [b'\r', b'\n', ..] | [] => true,
        [one, other, ..] => one.is_ascii_hexdigit() && other.is_ascii_hexdigit(),
        _ => false,
    })
}

fn tree(mail: &ParsedMail<'_>) -> String {
    let parts: Vec<String> = mail.subparts.iter().map(tree).collect();
    if parts.is_empty() { media(mail).to_owned() } else { format!("{}({})", media(mail), parts.join(" ")) }
}

fn has_link(part: &ParsedMail<'_>) -> bool {
    part.parts().any(|leaf| leaf.get_body().is_ok_and(|text| holds_link(&text)))
}

/// Whatever the host: a demo has one of its own.
fn holds_link(text: &str) -> bool {
    text.match_indices("/i/").any(|(at, mark)| {
        let token = text[at + mark.len()..].bytes().take_while(u8::is_ascii_alphanumeric);
        token.count() >= 26
    })
}

fn body(part: &ParsedMail<'_>) -> Vec<u8> {
    let octets = part.raw_bytes;
    memchr::memmem::find(octets, b"\r\n\r\n").map_or(octets, |at| &octets[at + 4..]).trim_ascii_end().to_vec()
}

/// Whether the old text is in the new one, with something put in at two places at most.
fn keeps(old: &[char], new: &[char]) -> bool {
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[front..], &new[front..]);
    let back = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (middle, new): (String, String) = (old[..old.len() - back].iter().collect(), new.iter().collect());
    new.contains(&middle)
}

fn squeezed(text: &str) -> Vec<char> {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect()
}
