//! A line that a client sends: what is printed and read again is the same; a refusal is a reply that fits the wire.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postern::smtp::command::Command;

fuzz_target!(|line: &[u8]| match Command::parse(line) {
    Ok(command) => {
        let printed = command.to_string();
        assert!(!printed.contains(char::is_control), "{printed:?}");
        assert_eq!(Command::parse(printed.as_bytes()).as_ref(), Ok(&command), "{printed}");
    }
    Err(fault) => {
        let mut reply = BytesMut::new();
        fault.reply().write(&mut reply);
        assert!(reply.is_ascii() && reply.ends_with(b"\r\n"), "{reply:?}");
        assert!(reply[..].split(|&octet| octet == b'\n').all(|line| line.len() < 512), "{reply:?}");
    }
});
