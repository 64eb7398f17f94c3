//! An invitee's copy of any message that a client can send: nothing that the edits do not name has changed, both blocks
//! are there, and a parser that had no part in it finds what must hold (`tests/world/judge.rs`).
#![no_main]

#[path = "../../tests/world/judge.rs"]
mod judge;
#[path = "../mail.rs"]
mod mail;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use postern::base::address::Address;
use postern::mail::edit::{Edited, Edits, Piece, Source};
use postern::mail::rewrite::{self, Blocks, How, Readdress, RewriteFault};

use crate::judge::{LINK, judged};
use crate::mail::{outline, sendable};

fuzz_target!(|message: &[u8]| {
    let message = sendable(message);
    let outline = outline(&message);
    if outline.fault.is_some() || !rewrite::has_visible_text(&message, &outline).expect("memory") {
        return;
    }
    assert_eq!(made(&message, &Edits::default()), message, "no edits, and another message");
    let rewritten = match rewrite::invite(&message, &outline, &blocks(&message), &readdress()) {
        Ok(rewritten) => rewritten,
        // In words: the message is not clear. Nothing is sent.
        Err(RewriteFault::Check(_)) => return,
        Err(other) => panic!("{other}"),
    };
    let copy = made(&message, &rewritten.edits);
    assert_eq!(Edits::decode(&rewritten.edits.encode()).as_ref(), Some(&rewritten.edits));
    untouched(&message, &copy, &rewritten.edits);
    again(&outline, &copy, &rewritten.edits, rewritten.how);
    // Where a header is broken mailparse sees other parts in a wrapped copy than we do; that nothing in it was touched
    // is known by then.
    if rewritten.how == How::Inserted
        && let Err(fault) = judged(&message, &copy)
    {
        panic!("{:?}: {fault}\n{}", rewritten.how, String::from_utf8_lossy(&copy));
    }
});

/// The pieces give what [`Edited`] reads, and what stands between two edits is the sender's.
fn untouched(message: &Bytes, copy: &[u8], edits: &Edits) {
    let pieces = edits.pieces(message.len() as u64).flat_map(|piece| match piece {
        Piece::Original(range) => message.slice(range.start as usize..range.end as usize),
        Piece::Replacement(octets) => octets.clone(),
    });
    assert!(pieces.eq(copy.iter().copied()), "pieces and source differ");
    let mut behind = 0;
    for edit in edits.iter() {
        let at = edits.place_after(behind).map(|at| at as usize);
        let kept = &message[behind as usize..edit.range.start as usize];
        if let Some(at) = at.filter(|_| !kept.is_empty()) {
            assert_eq!(&copy[at..at + kept.len()], kept, "behind {behind}");
        }
        behind = edit.range.end;
    }
}

/// Our own reader finds the sender's parts in the copy, and those that were not edited octet for octet.
fn again(before: &postern::mail::outline::Outline, copy: &Bytes, edits: &Edits, how: How) {
    let after = outline(copy);
    assert_eq!(after.fault, None);
    let names = |outline: &postern::mail::outline::Outline, from: usize| {
        outline.parts[from..].iter().map(|part| part.content.media.clone()).collect::<Vec<_>>()
    };
    if how == How::Inserted {
        assert_eq!(names(before, 0), names(&after, 0));
    } else {
        // multipart/mixed of an alternative of two, and what was sent.
        assert_eq!(names(&after, 4)[1..], names(before, 0)[1..], "wrapped");
    }
    let hidden = after.header.split(|&octet| octet == b'\n').any(|line| {
        let name = line.split(|&octet| octet == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"bcc")
    });
    assert!(!hidden, "a hidden recipient is shown");
    assert!(!edits.is_empty());
}

fn made(message: &Bytes, edits: &Edits) -> Bytes {
    let copy = Edited::new(message, edits);
    copy.read(0..copy.len()).expect("memory")
}

fn readdress() -> Readdress {
    let address = |text| Address::parse(text).expect("an address");
    Readdress {
        remove: vec![address("invite@corp.example")],
        replace: vec![(address("invite+kim=partner.example@corp.example"), address("kim@partner.example"))],
    }
}

/// The link is another one for each message, as it is in life: a fuzzer that knew it would foretell the boundaries, which
/// are made of it.
fn blocks(message: &[u8]) -> Blocks {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    let link = format!("{LINK}{:026x}", hasher.finish());
    Blocks {
        top_text: "Alice Archer has invited you – please read on.\n".to_owned(),
        top_html: "<div>Alice Archer has invited you – please read on.</div>\n".to_owned(),
        bottom_text: format!("Please follow this link:\n\n{link}\n"),
        bottom_html: format!("<div><a href=\"{link}\">Open</a>\n{link}\n</div>\n"),
        link,
    }
}
