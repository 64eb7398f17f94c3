//! What a server answers: whatever it is, our own writing of it fits the wire and says the same.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postern::smtp::extension::Extensions;
use postern::smtp::reply::{Reply, ReplyReader};

fuzz_target!(|wire: &[u8]| {
    let mut reader = ReplyReader::default();
    for line in wire.split(|&octet| octet == b'\n') {
        match reader.line(line.strip_suffix(b"\r").unwrap_or(line)) {
            Ok(Some(reply)) => judge(&reply),
            Ok(None) => {}
            Err(fault) => {
                assert!(!fault.to_string().contains(char::is_control));
                reader = ReplyReader::default();
            }
        }
    }
});

fn judge(reply: &Reply) {
    let _ = Extensions::of(reply).keywords();
    assert!(!reply.to_string().contains(char::is_control));
    let mut written = BytesMut::new();
    reply.write(&mut written);
    let again = read(&written);
    // A long line is broken, and what stands behind the break may look like a status where there is none.
    let is_broken = again.lines.len() > reply.lines.len();
    assert_eq!(again.code, reply.code);
    assert!(again.enhanced == reply.enhanced || is_broken && reply.enhanced.is_none(), "{again:?}");
    // What was made fit for the wire stays as it is.
    let mut twice = BytesMut::new();
    again.write(&mut twice);
    assert_eq!(written, twice);
}

fn read(written: &[u8]) -> Reply {
    let mut reader = ReplyReader::default();
    let mut lines = written.split_inclusive(|&octet| octet == b'\n');
    lines
        .find_map(|line| {
            assert!(line.len() <= 512 && line.is_ascii(), "{line:?}");
            reader.line(line.strip_suffix(b"\r\n").expect("CRLF")).expect("a reply")
        })
        .expect("a whole reply")
}
