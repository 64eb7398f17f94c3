//! What a message is before it comes to us.

use bytes::Bytes;
use postern::mail::outline::{Bounds, Outline, Outliner};

/// The settings' defaults.
const BOUNDS: Bounds = Bounds { header_octets_max: 256 * 1024, parts_max: 100, depth_max: 20 };
/// Octets of a line without its CRLF (RFC 5321 §4.5.3.1.6).
const LINE_OCTETS_MAX: usize = 998;

/// As a client can send it: lines end with CRLF, are not too long and do not begin with NUL.
pub fn sendable(message: &[u8]) -> Bytes {
    let mut sent = Vec::with_capacity(message.len() + 2);
    for line in message.split(|&octet| octet == b'\n') {
        let line: Vec<u8> = line.iter().copied().filter(|&octet| octet != b'\r' && octet != 0).collect();
        for piece in line.chunks(LINE_OCTETS_MAX) {
            sent.extend_from_slice(piece);
            sent.extend_from_slice(b"\r\n");
        }
        if line.is_empty() {
            sent.extend_from_slice(b"\r\n");
        }
    }
    sent.into()
}

pub fn outline(message: &[u8]) -> Outline {
    let mut outliner = Outliner::new(BOUNDS);
    outliner.feed(message);
    outliner.finish()
}
