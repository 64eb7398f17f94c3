//! Mail of every shape, the mutilated ones included, through the rewriting alone.
//!
//! `tests/world/run.sh` sends the messages that others publish with their parsers through the whole daemon; what it
//! kept of that is judged here a second time. The time that strange messages take is measured here as well.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and reports on standard output"
)]

mod judge;
mod messages;

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use bytes::Bytes;
use postern::mail::edit::{Edited, Source};
use postern::mail::outline::{Bounds, Outline, Outliner};
use postern::mail::rewrite::{self, Blocks, How, Readdress, RewriteFault};

use crate::judge::{LINK, judged};
use crate::messages::{Dice, corpus, mutilated, strange};

/// The settings' defaults.
const BOUNDS: Bounds = Bounds { header_octets_max: 256 * 1024, parts_max: 100, depth_max: 20 };

/// How many messages are mutilated if nobody says otherwise.
const MUTILATIONS: usize = 1500;

#[test]
fn mutilated_mail_is_rewritten_or_refused() {
    let said = |name: &str| env::var(name).ok().map(|number| number.parse::<usize>().expect(name));
    let corpus = corpus();
    let seed = said("POSTERN_SEED").unwrap_or(1);
    let (mut inserted, mut wrapped, mut refused) = (0, 0, 0);
    let mut faults = Vec::new();
    for number in 0..said("POSTERN_MUTILATIONS").unwrap_or(MUTILATIONS) {
        let message = mutilated(&corpus, &mut Dice::new(seed * 1_000_003 + number));
        match copy_of(&message) {
            Copy::Made(How::Inserted, copy) => {
                inserted += 1;
                faults.extend(judged(&message, &copy).err().map(|fault| (number, fault)));
            }
            Copy::Made(_, copy) => {
                wrapped += 1;
                faults.extend(judged(&message, &copy).err().map(|fault| (number, fault)));
            }
            Copy::Refused => refused += 1,
            Copy::Fault(flaw) => faults.push((number, flaw)),
        }
        if faults.last().is_some_and(|(faulty, _)| *faulty == number)
            && let Some(folder) = env::var_os("POSTERN_KEEP")
        {
            fs::write(Path::new(&folder).join(format!("{number}.eml")), &message).unwrap();
        }
    }
    println!("{inserted} with blocks inside, {wrapped} wrapped, {refused} refused");
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
    // Each of the three ways was gone often enough to mean something.
    let rarest = inserted.min(wrapped).min(refused);
    assert!(rarest * 10 > inserted + wrapped + refused, "one of them hardly ever: {rarest}");
}

/// Twice the octets, twice the time: whatever somebody sends, nobody else waits for it.
#[test]
#[ignore = "measures time; tests/world/run.sh runs it"]
fn time_grows_with_size_only() {
    for (name, make) in strange() {
        let times: Vec<Duration> = [1, 2, 4].map(|times| time_of(&Bytes::from(make(times)))).into();
        println!("{name}: {times:?}");
        let (shortest, longest) = (times[0].max(Duration::from_millis(20)), times[2]);
        assert!(longest < shortest * 8, "{name}: {times:?}");
    }
}

/// What `tests/world/run.sh` has kept in the folder POSTERN_PAIRS.
#[test]
#[ignore = "needs messages that are not ours; tests/world/run.sh runs it"]
fn what_the_world_sent() {
    let folder = env::var("POSTERN_PAIRS").expect("POSTERN_PAIRS names a folder");
    let mut faults = Vec::new();
    let mut judged_pairs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let sent = entry.unwrap().path();
        if sent.extension().is_some_and(|extension| extension == "sent") {
            let arrived = fs::read(sent.with_extension("arrived")).unwrap();
            judged_pairs += 1;
            if let Err(fault) = judged(&fs::read(&sent).unwrap(), &arrived) {
                faults.push(format!("{}: {fault}", sent.display()));
            }
        }
    }
    println!("{judged_pairs} pairs judged");
    assert!(judged_pairs > 0 && faults.is_empty(), "{}", faults.join("\n"));
}

enum Copy {
    Made(How, Vec<u8>),
    /// For its structure, or because there is nothing to read in it.
    Refused,
    /// What it would be refused for is ours to mend.
    Fault(String),
}

fn copy_of(message: &Bytes) -> Copy {
    let outline = outline(message);
    if outline.fault.is_some() || !rewrite::has_visible_text(message, &outline).unwrap() {
        return Copy::Refused;
    }
    match rewrite::invite(message, &outline, &blocks(), &Readdress::default()) {
        Ok(rewritten) => {
            let copy = Edited::new(message, &rewritten.edits);
            Copy::Made(rewritten.how, copy.read(0..copy.len()).unwrap().to_vec())
        }
        Err(RewriteFault::Check(flaw)) if flaw.contains("no field") => Copy::Refused,
        Err(RewriteFault::Check(flaw)) => Copy::Fault(flaw),
        Err(other) => panic!("{other}"),
    }
}

fn time_of(message: &Bytes) -> Duration {
    let start = Instant::now();
    let _ = copy_of(message);
    start.elapsed()
}

fn outline(message: &[u8]) -> Outline {
    let mut outliner = Outliner::new(BOUNDS);
    message.chunks(64 * 1024).for_each(|chunk| outliner.feed(chunk));
    outliner.finish()
}

fn blocks() -> Blocks {
    let link = format!("{LINK}0123456789abcdefghjkmnpqrs");
    Blocks {
        top_text: "Alice Archer has invited you – please read on.\n".to_owned(),
        top_html: "<div>Alice Archer has invited you – please read on.</div>\n".to_owned(),
        bottom_text: format!("Please follow this link:\n\n{link}\n"),
        bottom_html: format!("<div><a href=\"{link}\">Open</a>\n{link}\n</div>\n"),
        link,
    }
}
