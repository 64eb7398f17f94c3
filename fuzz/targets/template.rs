//! An administrator's text: it goes live and renders, or is named as faulty and changes nothing.
#![no_main]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use postern::template::Templates;

/// A mail, a page, a layout, a catalogue, a sheet.
const FILES: &[&str] = &[
    "mail/invitation/bottom.txt",
    "mail/invitation/top.html",
    "mail/accepted/body.txt",
    "page/activate.html",
    "page/layout.html",
    "words.txt",
    "page/style.css",
];

fuzz_target!(|input: (u8, &str)| {
    static BUILT_IN: OnceLock<Templates> = OnceLock::new();
    let built_in = BUILT_IN.get_or_init(Templates::built_in);
    let (file, text) = (FILES[usize::from(input.0) % FILES.len()], input.1);
    let texts = BTreeMap::from([(file.to_owned(), Ok(text.to_owned()))]);
    let (next, faults) = built_in.with_overrides(&texts);
    assert!(faults.len() <= 1, "{faults:?}");
    let expected = if faults.is_empty() { Some(text) } else { built_in.text(file) };
    assert_eq!(next.text(file), expected);
    assert!(faults.iter().all(|fault| fault.line >= 1 && !fault.reason.is_empty()), "{faults:?}");
});
