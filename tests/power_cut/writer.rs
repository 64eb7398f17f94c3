//! The process whose plug is pulled, and the book in which it notes what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use postern::config::Storage;
use postern::mail::edit::Source;
use postern::store::schema::TablePrefix;
use postern::store::spool::{BodyRef, Spool};
use postern::store::{Batch, Store, Table};

/// Names of the environment: the store's directory, the book, and whether to end after looking.
pub const STATE: &str = "POWER_CUT_STATE";
pub const ACKNOWLEDGED: &str = "POWER_CUT_ACKNOWLEDGED";
pub const ONLY_LOOK: &str = "POWER_CUT_ONLY_LOOK";

/// Those who write at once.
const WRITERS: u16 = 8;
/// Records that each of them keeps.
const KEPT: u64 = 30;

/// By writer and number; the text tells by itself whether it is whole.
const RECORDS: Table<(u16, u64), (String, BodyRef)> = Table::new(TablePrefix { octet: 0xE0, record: 1 });
/// How many each has written: changes in the same batches.
const COUNTS: Table<u16, u64> = Table::new(TablePrefix { octet: 0xE1, record: 1 });

/// What was acknowledged. A line in the file is in the kernel's hands before the next thing happens.
#[derive(Debug, Default)]
pub struct Ledger(BTreeMap<u16, Progress>);

/// Numbers below `written` have been written, those below `removed` taken away again.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    written: u64,
    removed: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the bench"]
async fn writes_until_it_is_killed() {
    let state = PathBuf::from(std::env::var_os(STATE).expect("to be started by the bench"));
    let acknowledged = PathBuf::from(std::env::var_os(ACKNOWLEDGED).unwrap());
    let (store, spool) = Store::open(&storage(&state)).unwrap();
    let progress = look(&store, &spool, &Ledger::read(&acknowledged));
    if std::env::var_os(ONLY_LOOK).is_some() {
        store.close().await;
        return;
    }
    let tasks: Vec<_> = progress
        .into_iter()
        .map(|(writer, progress)| {
            let book = File::options().append(true).open(&acknowledged).unwrap();
            tokio::spawn(write(store.clone(), spool.clone(), writer, progress, book))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Small, so that everything that happens seldom happens often.
fn storage(directory: &Path) -> Storage {
    Storage {
        directory: directory.to_owned(),
        cache: 4 << 20,
        reserve: 0,
        segment_body_max: 16 * 1024,
        segment_size: 256 * 1024,
        export_every: Duration::from_millis(50),
        journal_max: 1 << 20,
    }
}

/// Holds the store against the ledger. Gives where each writer stands: one step beyond what was acknowledged may
/// have been made, whole, and no more.
fn look(store: &Store, spool: &Spool, ledger: &Ledger) -> BTreeMap<u16, Progress> {
    let records = RECORDS.scan(store, None, usize::MAX).unwrap();
    for (_, stored) in &records {
        spool.adopt(&stored.value.1);
    }
    spool.sweep().unwrap();
    let mut found: BTreeMap<u16, BTreeSet<u64>> = BTreeMap::new();
    for ((writer, number), stored) in records {
        let (text, reference) = stored.value;
        assert_eq!(text, self::text(writer, number), "record {number} of {writer}");
        let body = spool.open(&reference).unwrap();
        assert!(body.read(0..body.len()).unwrap() == self::body(writer, number), "body {number} of {writer}");
        found.entry(writer).or_default().insert(number);
    }
    let blobs = fs::read_dir(std::env::var(STATE).unwrap() + "/db/blobs").unwrap().count();
    assert_eq!(blobs, 0, "the engine keeps large values aside");
    (0..WRITERS)
        .map(|writer| {
            let known = ledger.0.get(&writer).copied().unwrap_or_default();
            let numbers = found.remove(&writer).unwrap_or_default();
            let count = COUNTS.get(store, &writer).unwrap().map_or(0, |stored| stored.value);
            assert!((known.written..=known.written + 1).contains(&count), "{writer}: {count}, {known:?}");
            let removed = numbers.first().copied().unwrap_or(count);
            assert!((known.removed..=known.removed + 1).contains(&removed), "{writer}: {removed}, {known:?}");
            assert!(numbers.into_iter().eq(removed..count), "{writer}: not all of {removed}..{count}");
            (writer, Progress { written: count, removed })
        })
        .collect()
}

async fn write(store: Store, spool: Spool, writer: u16, mut progress: Progress, mut book: File) {
    loop {
        note(&mut book, writer, progress);
        let mut batch = Batch::new();
        let released = if progress.written - progress.removed < KEPT {
            let body = spool.keep(body(writer, progress.written)).await.unwrap();
            batch.relies_on(&body);
            let record = (text(writer, progress.written), body.reference());
            RECORDS.insert(&mut batch, &(writer, progress.written), &record).unwrap();
            progress.written += 1;
            COUNTS.put(&mut batch, &writer, &progress.written).unwrap();
            None
        } else {
            let key = (writer, progress.removed);
            let old = RECORDS.get(&store, &key).unwrap().unwrap();
            RECORDS.remove(&mut batch, &key, &old).unwrap();
            progress.removed += 1;
            Some(old.value.1)
        };
        store.commit(batch).await.unwrap();
        if let Some(body) = released {
            note(&mut book, writer, progress);
            spool.release(&body);
        }
    }
}

fn note(book: &mut File, writer: u16, progress: Progress) {
    let line = format!("{writer} {} {}\n", progress.written, progress.removed);
    book.write_all(line.as_bytes()).unwrap();
}

/// A text that no other has. Some are longer than one cell of the engine.
fn text(writer: u16, number: u64) -> String {
    let words = if number.is_multiple_of(7) { 2_000 } else { number % 60 };
    format!("{writer}:{number}").repeat(usize::try_from(words).unwrap() + 1)
}

/// Octets that no other has. Some bodies are too large for a segment.
fn body(writer: u16, number: u64) -> Bytes {
    let len = if number.is_multiple_of(11) { 40_000 } else { 100 + number * 37 % 4_000 };
    let seed = u64::from(writer) << 32 | number;
    (0..len)
        .map(|place| (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_mul(place | 1) >> 56) as u8)
        .collect()
}

impl Ledger {
    /// Reads what was noted. The last line of each writer counts; one that was cut off does not.
    pub fn read(file: &Path) -> Self {
        let mut ledger = Self::default();
        for line in
            fs::read_to_string(file).unwrap().split_inclusive('\n').filter(|line| line.ends_with('\n'))
        {
            let numbers: Vec<u64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
            let [writer, written, removed] = numbers[..] else { panic!("{line}") };
            ledger.0.insert(u16::try_from(writer).unwrap(), Progress { written, removed });
        }
        ledger
    }

    pub fn written(&self) -> u64 {
        self.0.values().map(|progress| progress.written).sum()
    }

    pub fn removed(&self) -> u64 {
        self.0.values().map(|progress| progress.removed).sum()
    }
}
