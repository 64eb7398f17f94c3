//! The name of a file as a stranger gave it: it does no harm wherever it is saved, nor in a header field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::base::filename::{FileName, OCTETS_MAX};

fuzz_target!(|text: &str| {
    let Some(name) = FileName::parse(text) else { return };
    let harmless = |name: &FileName| {
        let text = name.as_str();
        assert!(!text.is_empty() && text.len() <= OCTETS_MAX, "{text:?}");
        assert!(!text.contains(char::is_control) && !text.contains(['/', '\\', ':']), "{text:?}");
        assert!(!text.starts_with('.') && !text.ends_with(['.', ' ']), "{text:?}");
        let value = name.disposition();
        assert!(value.is_ascii() && !value.contains(char::is_control), "{value:?}");
        assert_eq!(value.matches('"').count(), 2, "{value:?}");
    };
    harmless(&name);
    harmless(&name.numbered(usize::from(text.len() as u8)));
    // What was made harmless stays as it is.
    assert_eq!(FileName::parse(name.as_str()).as_ref(), Some(&name));
});
