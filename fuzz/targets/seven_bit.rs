//! A message on its way to a hop without 8BITMIME: it is converted, to seven bits and short lines, or it is said why not.
#![no_main]

#[path = "../mail.rs"]
mod mail;

use libfuzzer_sys::fuzz_target;
use postern::mail::seven_bit::plan;

use crate::mail::{outline, sendable};

fuzz_target!(|message: &[u8]| {
    let message = sendable(message);
    let Ok(plan) = plan(&message, &outline(&message)) else { return };
    let converted: Vec<u8> = plan.chunks(&message).flat_map(|chunk| chunk.expect("memory")).collect();
    assert!(converted.is_ascii() && !converted.contains(&0), "{}", String::from_utf8_lossy(&converted));
    for line in converted.split_inclusive(|&octet| octet == b'\n') {
        assert!(line.len() <= 1000, "{} octets in a line", line.len());
        assert!(line.ends_with(b"\r\n") || !line.ends_with(b"\n"), "a bare LF");
    }
    let before = outline(&message).parts.iter().map(|part| part.depth).collect::<Vec<_>>();
    let after = outline(&converted).parts.iter().map(|part| part.depth).collect::<Vec<_>>();
    // An attached message in eight bits becomes one part (RFC 6532 §3.7); else the tree stays.
    assert!(after.len() <= before.len(), "{before:?} became {after:?}");
});
