//! A whole connection: a client says what it likes to a session with a house behind it, its store in memory. Whatever
//! that is, the answers are SMTP, and what is queued is what was promised.
#![no_main]

#[path = "../house.rs"]
mod house;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use postern::smtp::reply::ReplyReader;
use tokio::runtime::{Builder, Runtime};

use crate::house::House;

/// Connections to one house; then it is pulled down, with all mail in it.
const CONNECTIONS_MAX: usize = 1000;

thread_local! {
    static STREET: RefCell<Option<(Runtime, House, usize)>> = const { RefCell::new(None) };
}

fuzz_target!(|input: &[u8]| {
    let Some((&way, said)) = input.split_first() else { return };
    STREET.with_borrow_mut(|street| {
        let (runtime, house, connections) = street.get_or_insert_with(|| {
            let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
            let house = runtime.block_on(House::new());
            (runtime, house, 0)
        });
        *connections += 1;
        let before = house.queued();
        let answers = runtime.block_on(house.visit(way, said));
        let taken = replies(&answers);
        let queued = house.queued() - before;
        // Each message that was taken has a recipient, an envelope or an invitation; what was not has nothing.
        assert!(queued >= taken && (taken > 0 || queued == 0), "{taken} taken, {queued} queued");
        if *connections == CONNECTIONS_MAX {
            *street = None;
        }
    });
});

/// Reads all that the server said; gives the messages that it took.
fn replies(answers: &[u8]) -> usize {
    let (mut reader, mut replies) = (ReplyReader::default(), Vec::new());
    for line in answers.split_inclusive(|&octet| octet == b'\n') {
        assert!(line.len() <= 512 && line.is_ascii(), "{line:?}");
        let line = line.strip_suffix(b"\r\n").expect("every line ends with CRLF");
        assert!(!line.iter().any(u8::is_ascii_control), "{line:?}");
        replies.extend(reader.line(line).expect("a reply"));
    }
    assert!(replies.first().is_some_and(|greeting| greeting.code == 220), "{replies:?}");
    replies.iter().filter(|reply| reply.code == 250 && reply.lines[0].starts_with("Taken as")).count()
}
