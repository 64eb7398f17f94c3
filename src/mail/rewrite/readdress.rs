//! To, Cc and Bcc of a copy: the invite address leaves, tagged addresses become real ones (RFC 5322 §3.4, §3.6.3).
//!
//! Only the octets of these very addresses change: names, comments, groups and folding of all others stay.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::base::address::Address;
use crate::mail::edit::Edit;
use crate::mail::field::{Field, fields};
use crate::mail::rewrite::Readdress;

/// What a message says that names nobody (RFC 5322 §3.4 allows the empty group).
const NOBODY: &[u8] = b"To: undisclosed-recipients:;\r\n";

/// The edits of the top header.
#[must_use]
pub fn edits(header: &[u8], readdress: &Readdress) -> Vec<Edit> {
    let readdress = &Changes::of(readdress);
    let mut edits: Vec<Edit> =
        fields(header).filter(is_hidden).map(|field| Edit::remove(place(&field.range))).collect();
    let mut emptied = Vec::new();
    let mut somebody_left = false;
    for field in fields(header).filter(|field| field.is("To") || field.is("Cc")) {
        let list = list_of(header, field.value_range.clone());
        let removed = list.iter().filter(|element| is_removed(element, readdress)).count();
        if removed > 0 && removed == list.len() {
            emptied.push(field.range);
        } else {
            somebody_left |= !list.is_empty();
            change(&list, readdress, &mut edits);
        }
    }
    for (index, range) in emptied.iter().enumerate() {
        edits.push(if index == 0 && !somebody_left {
            Edit::replace(place(range), NOBODY)
        } else {
            Edit::remove(place(range))
        });
    }
    edits
}

/// Fields that name people whom the other recipients must not see (RFC 5322 §3.6.3, §3.6.6).
fn is_hidden(field: &Field<'_>) -> bool {
    field.is("Bcc") || field.is("Resent-Bcc")
}

/// A [`Readdress`] by mailbox: a list may be as long as a header, and so may be what is looked for in it.
struct Changes<'a> {
    remove: HashSet<String>,
    replace: HashMap<String, &'a Address>,
}

impl<'a> Changes<'a> {
    fn of(readdress: &'a Readdress) -> Self {
        Self {
            remove: readdress.remove.iter().map(Address::key).collect(),
            replace: readdress.replace.iter().map(|(tagged, real)| (tagged.key(), real)).collect(),
        }
    }
}

/// One member of an address list: a mailbox, or a group with members of its own.
struct Element {
    /// Without the white space around it.
    range: Range<usize>,
    address: Option<Address>,
    /// The `local@domain` alone.
    address_range: Range<usize>,
    /// Whether the display name repeats the address, as clients do that know no better name.
    is_named_by_address: bool,
    members: Option<Vec<Element>>,
}

/// Removes and replaces within one list, then within its groups.
fn change(list: &[Element], readdress: &Changes<'_>, edits: &mut Vec<Edit>) {
    let gone = |index: usize| list.get(index).is_some_and(|element| is_removed(element, readdress));
    let mut index = 0;
    while let Some(element) = list.get(index) {
        if gone(index) {
            let end = (index..list.len()).find(|&at| !gone(at)).unwrap_or(list.len());
            edits.push(Edit::remove(place(&run_range(list, index..end))));
            index = end;
            continue;
        }
        if let Some(members) = &element.members {
            change(members, readdress, edits);
        } else if let Some(real) = replacement(element, readdress) {
            let range = if element.is_named_by_address { &element.range } else { &element.address_range };
            edits.push(Edit::replace(place(range), real.to_string()));
        }
        index += 1;
    }
}

/// What to cut for these elements, so that exactly one comma goes with each.
fn run_range(list: &[Element], run: Range<usize>) -> Range<usize> {
    let start = |index: usize| list.get(index).map(|element| element.range.start);
    let end = |index: usize| list.get(index).map_or(0, |element| element.range.end);
    let (first, behind) = (start(run.start).unwrap_or(0), end(run.end.saturating_sub(1)));
    match (start(run.end), run.start.checked_sub(1)) {
        (Some(next), _) => first..next,
        (None, Some(before)) => end(before)..behind,
        (None, None) => first..behind,
    }
}

fn is_removed(element: &Element, readdress: &Changes<'_>) -> bool {
    element.address.as_ref().is_some_and(|address| readdress.remove.contains(&address.key()))
}

fn replacement<'a>(element: &Element, readdress: &Changes<'a>) -> Option<&'a Address> {
    readdress.replace.get(&element.address.as_ref()?.key()).copied()
}

fn place(range: &Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

/// The elements of the list that stands in `range` of the header.
fn list_of(header: &[u8], range: Range<usize>) -> Vec<Element> {
    let mut scanner = Scanner { octets: header.get(..range.end).unwrap_or_default(), at: range.start };
    scanner.list(false)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An atom with its dots, or a quoted string.
    Word,
    /// `[…]`
    Literal,
    Comment,
    Special(u8),
}

#[derive(Clone)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// Reads address lists; every octet is looked at once.
struct Scanner<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    /// Elements up to the end, or up to the `;` that ends a group.
    fn list(&mut self, in_group: bool) -> Vec<Element> {
        let mut elements = Vec::new();
        let mut tokens = Vec::new();
        let mut members = None;
        // Behind an angle bracket a colon ends a source route; looking for the bracket each time would take as many
        // steps as there are pairs of tokens.
        let mut is_in_brackets = false;
        loop {
            let token = self.token();
            match token.as_ref().map(|token| token.kind) {
                Some(Kind::Special(b':')) if !in_group && members.is_none() && !is_in_brackets => {
                    tokens.extend(token);
                    members = Some(self.list(true));
                    let end = self.at.saturating_sub(1).max(tokens.last().map_or(0, |last| last.range.start));
                    tokens.push(Token { kind: Kind::Special(b';'), range: end..self.at });
                    continue;
                }
                Some(Kind::Special(b',')) | None => {}
                Some(Kind::Special(b';')) if in_group => {}
                Some(kind) => {
                    is_in_brackets |= kind == Kind::Special(b'<');
                    tokens.extend(token);
                    continue;
                }
            }
            is_in_brackets = false;
            elements.extend(self.element(&std::mem::take(&mut tokens), members.take()));
            if token.is_none_or(|token| token.kind == Kind::Special(b';')) {
                return elements;
            }
        }
    }

    fn element(&self, tokens: &[Token], members: Option<Vec<Element>>) -> Option<Element> {
        let range = tokens.first()?.range.start..tokens.last()?.range.end;
        let words: Vec<&Token> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
        let bracket = words.iter().position(|token| token.kind == Kind::Special(b'<'));
        let (name, spec) = words.split_at(bracket.unwrap_or(0));
        let spec: Vec<&Token> =
            spec.iter().copied().filter(|token| !matches!(token.kind, Kind::Special(b'<' | b'>'))).collect();
        // A source route is old and means nothing (RFC 5322 §4.4).
        let spec = spec.rsplit(|token| token.kind == Kind::Special(b':')).next().unwrap_or_default();
        let (address, address_range) = match spec {
            [local, at, domain]
                if members.is_none()
                    && (local.kind, at.kind, domain.kind)
                        == (Kind::Word, Kind::Special(b'@'), Kind::Word) =>
            {
                let address = [local, at, domain].map(|token| self.text(token)).concat();
                (Address::parse(&address).ok(), local.range.start..domain.range.end)
            }
            _ => (None, range.clone()),
        };
        let name: String = name.iter().map(|token| self.text(token)).collect();
        let name = name.trim_matches(|c| c == '"' || c == '\'');
        let is_named_by_address = address
            .as_ref()
            .is_some_and(|address| Address::parse(name).is_ok_and(|name| name.same_mailbox(address)));
        Some(Element { range, address, address_range, is_named_by_address, members })
    }

    fn text(&self, token: &Token) -> String {
        String::from_utf8_lossy(self.octets.get(token.range.clone()).unwrap_or_default()).into_owned()
    }

    /// The next token, white space passed over.
    fn token(&mut self) -> Option<Token> {
        let rest = self.octets.get(self.at..)?;
        let start = self.at + rest.iter().position(|b| !b.is_ascii_whitespace())?;
        let rest = self.octets.get(start..)?;
        let (kind, len) = match rest.first()? {
            b'"' => (Kind::Word, enclosed_len(rest, b'"', b'"')),
            b'(' => (Kind::Comment, enclosed_len(rest, b'(', b')')),
            b'[' => (Kind::Literal, enclosed_len(rest, b'[', b']')),
            &special if is_special(special) => (Kind::Special(special), 1),
            _ => (Kind::Word, word_len(rest)),
        };
        self.at = start + len;
        Some(Token { kind, range: start..self.at })
    }
}

const fn is_special(octet: u8) -> bool {
    matches!(octet, b'<' | b'>' | b'@' | b',' | b';' | b':')
}

/// Octets of an atom. An encoded word (RFC 2047 §2) is one, whatever it holds: some clients leave commas in it.
fn word_len(rest: &[u8]) -> usize {
    let is_end = |b: &u8| b.is_ascii_whitespace();
    let unbroken = rest.iter().position(is_end).unwrap_or(rest.len());
    let encoded = rest.get(..unbroken).filter(|word| word.starts_with(b"=?"));
    if let Some(end) = encoded.and_then(encoded_word_len) {
        return end;
    }
    let ends = |b: &u8| b.is_ascii_whitespace() || is_special(*b) || matches!(b, b'"' | b'(' | b'[');
    rest.iter().position(ends).unwrap_or(rest.len()).max(1)
}

/// `=?charset?encoding?text?=`
fn encoded_word_len(word: &[u8]) -> Option<usize> {
    let mut marks = memchr::memchr_iter(b'?', word).skip(3);
    let last = marks.next()?;
    (word.get(last + 1) == Some(&b'=')).then_some(last + 2)
}

/// Octets from an opening mark to its closing one, escapes and nested comments minded; to the end if it is missing.
fn enclosed_len(rest: &[u8], open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (index, &octet) in rest.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if octet == close && (depth == 1 && index > 0) => return index + 1,
            _ if octet == close && index > 0 => depth -= 1,
            _ if octet == open && (open != b'[' || depth == 0) => depth += 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::mail::edit::{Edited, Edits, Source};

    fn readdress() -> Readdress {
        let address = |text: &str| text.parse::<Address>().unwrap();
        Readdress {
            remove: vec![address("invite@corp.example"), address("invite+30d@corp.example")],
            replace: vec![(
                address("invite+kim=partner.example@corp.example"),
                address("kim@partner.example"),
            )],
        }
    }

    fn changed(header: &str) -> String {
        let original = Bytes::from(header.to_owned());
        let edits = Edits::new(edits(&original, &readdress())).unwrap();
        let copy = Edited::new(&original, &edits);
        String::from_utf8(copy.read(0..copy.len()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn the_invite_address_leaves_with_one_comma() {
        for (before, after) in [
            ("To: a@x.y, invite@corp.example\r\n", "To: a@x.y\r\n"),
            ("To: invite@corp.example, a@x.y\r\n", "To: a@x.y\r\n"),
            ("To: a@x.y,\r\n\tInvite <INVITE@corp.example>,\r\n\tb@x.y\r\n", "To: a@x.y,\r\n\tb@x.y\r\n"),
            ("To: a@x.y, invite@corp.example, invite+30d@corp.example\r\n", "To: a@x.y\r\n"),
            ("To: invite@corp.example (the gate, (really)), a@x.y\r\n", "To: a@x.y\r\n"),
            (
                "To: \"Roe, Kim\" <a@x.y>, =?utf-8?Q?In,vite?= <invite@corp.example>\r\n",
                "To: \"Roe, Kim\" <a@x.y>\r\n",
            ),
            ("To: Team: invite@corp.example, a@x.y;, b@x.y\r\n", "To: Team: a@x.y;, b@x.y\r\n"),
            ("To: Team: invite@corp.example;\r\n", "To: Team: ;\r\n"),
            ("To: <@relay.example:invite@corp.example>, a@x.y\r\n", "To: a@x.y\r\n"),
            ("To: a@x.y,, invite@corp.example,\r\n", "To: a@x.y,\r\n"),
        ] {
            assert_eq!(changed(before), after, "{before}");
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for header in [
            "To: \"invite@corp.example, \" <a@x.y>\r\n",
            "To: a@x.y (invite@corp.example)\r\n",
            "To: invite@corp.example.org, no invite@corp.example\r\n",
            "To: \"unclosed <invite@corp.example>, a@x.y\r\n",
            "Reply-To: invite@corp.example\r\nX-To: invite@corp.example\r\n",
        ] {
            assert_eq!(changed(header), header);
        }
    }

    #[test]
    fn a_tagged_address_becomes_the_real_one() {
        for (before, after) in [
            ("Cc: invite+kim=partner.example@corp.example\r\n", "Cc: kim@partner.example\r\n"),
            ("To: Kim <invite+kim=partner.example@corp.example>\r\n", "To: Kim <kim@partner.example>\r\n"),
            (
                "To: \"invite+kim=partner.example@corp.example\"\r\n <invite+kim=partner.example@corp.example>, a@x.y\r\n",
                "To: kim@partner.example, a@x.y\r\n",
            ),
        ] {
            assert_eq!(changed(before), after);
        }
    }

    #[test]
    fn nobody_is_left_or_somebody_is() {
        assert_eq!(
            changed("To: invite@corp.example\r\nSubject: x\r\nCc: invite@corp.example\r\n\r\n"),
            "To: undisclosed-recipients:;\r\nSubject: x\r\n\r\n"
        );
        assert_eq!(changed("Cc: invite@corp.example\r\nTo: a@x.y\r\n"), "To: a@x.y\r\n");
        assert_eq!(changed("Cc: invite@corp.example\r\n"), "To: undisclosed-recipients:;\r\n");
        assert_eq!(changed("Subject: x\r\n"), "Subject: x\r\n");
    }

    #[test]
    fn a_hostile_list_takes_no_more_steps_than_it_has_octets() {
        let remove = (0..1000).map(|days| Address::parse(&format!("invite+{days}d@corp.example")).unwrap());
        let readdress = Readdress { remove: remove.collect(), replace: Vec::new() };
        let colons = format!("To: {}<{}\r\n\r\n", "a ".repeat(100_000), ": ".repeat(100_000));
        let colleagues = format!("To: {}\r\n\r\n", "aa@corp.example, ".repeat(20_000));
        for header in [colons, colleagues] {
            let begun = std::time::Instant::now();
            let _ = edits(header.as_bytes(), &readdress);
            // A second where every octet is looked at once, minutes where every pair of them is.
            assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
        }
    }

    #[test]
    fn hidden_recipients_are_hidden() {
        assert_eq!(
            changed("To: a@x.y\r\nBCC: b@x.y,\r\n c@x.y\r\nSubject: x\r\nbcc :\r\nResent-Bcc: d@x.y\r\n\r\n"),
            "To: a@x.y\r\nSubject: x\r\n\r\n"
        );
    }

    proptest! {
        #[test]
        fn edits_never_overlap(list in "[a-z@<>,;:\\\\()\"\\[\\] =?\r\n]{0,60}", at in 0_usize..60) {
            let mut list = list;
            let at = (0..=at.min(list.len())).rev().find(|&at| list.is_char_boundary(at)).unwrap_or(0);
            list.insert_str(at, "invite@corp.example,");
            let header = format!("To: {list}\r\n\r\n");
            prop_assert!(Edits::new(edits(header.as_bytes(), &readdress())).is_some());
        }
    }
}
