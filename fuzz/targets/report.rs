//! What other mail systems say of mail that came back: bounded, and on one line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::mail::returned::read;

fuzz_target!(|mail: &[u8]| {
    let returned = read(mail);
    assert!(returned.len() <= 101);
    for one in returned {
        for text in [&one.recipient, &one.status, &one.words] {
            assert!(!text.contains(char::is_control) && text.chars().count() <= 600, "{text:?}");
        }
    }
});
