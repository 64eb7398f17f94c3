//! The scanner against messages of every shape.

use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds { header_octets_max: 4096, parts_max: 12, depth_max: 4 };

fn outline(message: &str) -> Outline {
    outline_in_chunks(message.as_bytes(), usize::MAX)
}

fn outline_in_chunks(message: &[u8], size: usize) -> Outline {
    let mut outliner = Outliner::new(BOUNDS);
    message.chunks(size.min(message.len().max(1))).for_each(|chunk| outliner.feed(chunk));
    outliner.finish()
}

/// `media@depth:body` of every part.
fn tree(message: &str) -> Vec<String> {
    let outline = outline(message);
    assert_eq!(outline.fault, None);
    let place = |at: u64| usize::try_from(at).unwrap();
    let body = |part: &Part| message[place(part.body.start)..place(part.body.end)].to_owned();
    outline
        .parts
        .iter()
        .map(|part| {
            let text = if part.content.is_multipart() { String::new() } else { body(part) };
            format!("{}@{}:{text}", part.content.media, part.depth)
        })
        .collect()
}

#[test]
fn a_message_without_parts_is_one_part() {
    let message = "Subject: x\r\n\r\nHello\r\n--not a delimiter\r\n";
    assert_eq!(tree(message), ["text/plain@0:Hello\r\n--not a delimiter\r\n"]);
    assert_eq!(outline(message).header, "Subject: x\r\n\r\n");
}

#[test]
fn a_tree_is_found_with_preamble_and_epilogue() {
    let message = "Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\npreamble\r\n--b b \t\r\n\
         Content-Type: multipart/alternative; boundary=\"b b2\"\r\n\r\n--b b2\r\n\r\none\r\n\r\n--b b2\r\n\
         Content-Type: text/html\r\n\r\n<p>\r\n--b b2--\r\nepilogue\r\n--b b\r\n\r\ntwo\r\n--b b--\r\nmore\r\n";
    assert_eq!(
        tree(message),
        [
            "multipart/mixed@0:",
            "multipart/alternative@1:",
            "text/plain@2:one\r\n",
            "text/html@2:<p>",
            "text/plain@1:two"
        ]
    );
    assert!(outline(message).parts.iter().all(|part| !part.doubtful));
}

#[test]
fn an_outer_delimiter_ends_what_is_open_within() {
    let message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\
         Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\none\r\n--a\r\n\r\ntwo";
    let expected = ["multipart/mixed@0:", "multipart/alternative@1:", "text/plain@2:one", "text/plain@1:two"];
    assert_eq!(tree(message), expected);
}

#[test]
fn empty_parts_and_parts_without_headers_are_parts() {
    let message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a\r\n\r\n--a\r\n\r\n\r\n--a--";
    assert_eq!(tree(message), ["multipart/mixed@0:", "text/plain@1:", "text/plain@1:", "text/plain@1:"]);
    let closed: Vec<bool> = outline(message).parts.iter().map(|part| part.empty_line_len() > 0).collect();
    assert_eq!(closed, [true, false, true, true]);
}

#[test]
fn a_missing_empty_line_is_seen_and_doubted() {
    let message = "Subject: x\r\nHello\r\n";
    assert_eq!(tree(message), ["text/plain@0:Hello\r\n"]);
    assert!(outline(message).parts[0].doubtful);
    let message = "Content-Type: multipart/mixed; boundary=a\r\n--a\r\n\r\none\r\n--a--\r\n";
    assert_eq!(tree(message), ["multipart/mixed@0:", "text/plain@1:one"]);
}

#[test]
fn a_line_that_only_begins_like_a_delimiter_makes_doubt() {
    let message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n--abc\r\n--a--\r\n";
    assert_eq!(tree(message)[1], "text/plain@1:one\r\n--abc");
    assert!(outline(message).parts[0].doubtful);
}

#[test]
fn a_line_that_ends_parts_of_several_makes_doubt() {
    let head = |boundary: &str| {
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n")
    };
    for (outer, inner, is_doubtful) in [
        ("a", "a", true),
        // `--a----` closes the outer one and begins a part of the inner one.
        ("a--", "a----", true),
        // `--ab` begins a part of the outer one, and begins like the inner one.
        ("ab", "a", true),
        ("a", "ab", false),
        ("a", "b", false),
    ] {
        let message = format!("{}{}\r\none\r\n--{outer}--\r\n", head(outer), head(inner));
        let doubtful = outline(&message).parts.iter().any(|part| part.doubtful);
        assert_eq!(doubtful, is_doubtful, "{outer} {inner}");
    }
}

#[test]
fn attached_messages_are_counted_and_marked() {
    let message =
        "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: in\r\n\r\nHi\r\n--a--\r\n";
    assert_eq!(
        tree(message),
        ["multipart/digest@0:", "message/rfc822@1:Subject: in\r\n\r\nHi", "text/plain@2:Hi"]
    );
    assert!(outline(message).parts[2].is_in_attached_message);
}

#[test]
fn a_boundary_with_transfer_encoding_junk_is_still_found() {
    let message = "Content-Type: multipart/mixed; boundary=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         --a\r\n\r\none\r\n--a--\r\n";
    assert_eq!(tree(message), ["multipart/mixed@0:", "text/plain@1:one"]);
}

#[test]
fn eight_bits_and_nul_are_seen_where_they_are() {
    let message =
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n\u{e9}\r\n--a\r\n\r\n\0\r\n--a--\r\n";
    let outline = outline(message);
    let seen: Vec<_> = outline.parts.iter().map(|part| (part.octets.eight_bit, part.octets.nul)).collect();
    assert_eq!(seen, [(false, false), (true, false), (false, true)]);
    assert!(outline.has_eight_bit());
}

#[test]
fn every_bound_has_its_words() {
    let long = format!("Subject: {}\r\n\r\n", "x".repeat(5000));
    assert_eq!(outline(&long).fault, Some(OutlineFault::HeaderTooLong(4096)));
    let many = format!("Content-Type: multipart/mixed; boundary=a\r\n\r\n{}", "--a\r\n\r\n\r\n".repeat(12));
    assert_eq!(outline(&many).fault, Some(OutlineFault::TooManyParts(12)));
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(5);
    assert_eq!(outline(&deep).fault, Some(OutlineFault::TooDeep(4)));
    let partial = "Content-Type: message/partial; id=x; number=1\r\n\r\n";
    assert_eq!(outline(partial).fault, Some(OutlineFault::Partial));
    let external = "Content-Type: message/external-body; access-type=url\r\n\r\n";
    assert_eq!(outline(external).fault, Some(OutlineFault::ExternalBody));
}

/// Lines that meet in all the ways that matter to the scanner.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=a\r\n"),
        Just("Content-Type: multipart/digest; boundary=\"a b\"\r\n"),
        Just("Content-Type: message/rfc822\r\n"),
        Just("Subject: x\r\n"),
        Just(" folded\r\n"),
        Just("\r\n"),
        Just("\n"),
        Just("--a\r\n"),
        Just("--a--\r\n"),
        Just("--a b\r\n"),
        Just("--a b-- \r\n"),
        Just("--ab\r\n"),
        Just("--"),
        Just("-"),
        Just("\r"),
        Just("text\r\n"),
        Just("\u{fc}\0"),
    ];
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.concat().into_bytes())
}

proptest! {
    #[test]
    fn chunks_do_not_matter(message in any_message(), size in 1_usize..9) {
        let whole = outline_in_chunks(&message, usize::MAX);
        prop_assert_eq!(outline_in_chunks(&message, size), whole);
    }

    /// What is known of a body need not be seen again.
    #[test]
    fn bodies_can_be_passed_over(message in any_message(), margin in 0_u64..4) {
        let whole = outline_in_chunks(&message, usize::MAX);
        let mut outliner = Outliner::new(BOUNDS);
        let feed = |outliner: &mut Outliner, range: Range<u64>| {
            outliner.feed(&message[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]);
        };
        let mut at = 0;
        for (index, part) in whole.parts.iter().enumerate().filter(|_| whole.fault.is_none()) {
            let has_parts = whole.children(index).next().is_some();
            let middle = part.body.start + margin..part.body.end.saturating_sub(margin);
            // The margin behind must hold the line break, from which on the end of the body is told.
            if part.content.is_multipart() || has_parts || margin < 2 || middle.is_empty() {
                continue;
            }
            feed(&mut outliner, at..middle.start);
            // Where the empty line is missing, the body may be passed over only from its second line on.
            let passed = outliner.pass(middle.end - middle.start);
            prop_assert!(passed || part.empty_line_len() == 0);
            at = if passed { middle.end } else { middle.start };
        }
        feed(&mut outliner, at..message.len() as u64);
        let places = |outline: &Outline| {
            outline.parts.iter().map(|part| (part.parent, part.header.clone(), part.body.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(places(&outliner.finish()), places(&whole));
    }

    #[test]
    fn parts_lie_within_their_parents(message in any_message()) {
        let outline = outline_in_chunks(&message, 7);
        prop_assert!(outline.fault.is_some() || outline.len() == message.len() as u64);
        for part in &outline.parts {
            prop_assert!(part.header_range.end == part.body.start && part.body.start <= part.body.end);
            let Some(parent) = part.parent.and_then(|index| outline.parts.get(index)) else { continue };
            prop_assert!(outline.fault.is_some() || parent.body.start <= part.header_range.start);
            prop_assert!(outline.fault.is_some() || part.body.end <= parent.body.end);
        }
    }

    #[test]
    fn nothing_makes_it_panic(message: Vec<u8>) {
        let _ = outline_in_chunks(&message, 3);
    }
}
