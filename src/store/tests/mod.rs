//! The store as its users see it, with either engine.

mod mending;
mod model;

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use crate::config::Storage;
use crate::mail::edit::Source;
use crate::store::schema::TablePrefix;
use crate::store::{Batch, CommitError, Key, Store, StoreFault, Table};

const NUMBERS: Table<u64, String> = Table::new(TablePrefix { octet: 0xE0, record: 1 });
const PAIRS: Table<(String, u16), u64> = Table::new(TablePrefix { octet: 0xE1, record: 1 });

pub fn storage(directory: &Path) -> Storage {
    Storage {
        directory: directory.to_owned(),
        cache: 4 << 20,
        reserve: 0,
        segment_body_max: 4096,
        segment_size: 64 * 1024,
        export_every: Duration::from_hours(1),
        journal_max: 64 << 20,
    }
}

fn open(directory: &Path) -> Store {
    Store::open(&storage(directory)).unwrap().0
}

/// Both kinds of store.
fn stores(directory: &Path) -> [Store; 2] {
    let forgetful = Store::in_memory(&storage(&directory.join("forgetful"))).unwrap().0;
    [open(&directory.join("durable")), forgetful]
}

fn putting(key: u64, value: &str) -> Batch {
    let mut batch = Batch::new();
    NUMBERS.put(&mut batch, &key, &value.to_owned()).unwrap();
    batch
}

fn inserting(key: u64, value: &str) -> Batch {
    let mut batch = Batch::new();
    NUMBERS.insert(&mut batch, &key, &value.to_owned()).unwrap();
    batch
}

async fn put(store: &Store, key: u64, value: &str) {
    store.commit(putting(key, value)).await.unwrap();
}

fn value(store: &Store, key: u64) -> Option<String> {
    NUMBERS.get(store, &key).unwrap().map(|stored| stored.value)
}

fn all(store: &Store) -> Vec<(u64, String)> {
    let found = NUMBERS.scan(store, None, usize::MAX).unwrap();
    found.into_iter().map(|(key, stored)| (key, stored.value)).collect()
}

fn assert_no_blobs(directory: &Path) {
    assert_eq!(fs::read_dir(directory.join("db/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn nobody_else_reads_what_lies_in_a_directory_that_was_open() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let names = ["db", "journal", "spool"];
    let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
    for name in names {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let store = open(directory.path());
    for name in names {
        assert_eq!(mode(name) & 0o777, 0o700, "{name}");
    }
    drop(store);
}

#[tokio::test]
async fn what_was_committed_is_read_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        put(&store, 1, "one").await;
        assert_eq!(value(&store, 1).as_deref(), Some("one"));
        assert_eq!(value(&store, 2), None);
    }
}

#[tokio::test]
async fn of_two_who_insert_the_same_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        let (one, two) = tokio::join!(store.commit(inserting(7, "one")), store.commit(inserting(7, "two")));
        let (winner, loser) = if one.is_ok() { ("one", two) } else { ("two", one) };
        assert!(matches!(loser, Err(CommitError::Conflict)));
        assert_eq!(value(&store, 7).as_deref(), Some(winner));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_many_who_count_up_nothing_is_lost() {
    const COUNTS: Table<u8, u64> = Table::new(TablePrefix { octet: 0xE2, record: 1 });
    async fn count_up(store: &Store) -> bool {
        let mut batch = Batch::new();
        match COUNTS.get(store, &0).unwrap() {
            Some(old) => COUNTS.replace(&mut batch, &0, &old, &(old.value + 1)).unwrap(),
            None => COUNTS.insert(&mut batch, &0, &1).unwrap(),
        }
        store.commit(batch).await.is_ok()
    }

    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { while !count_up(&store).await {} })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(COUNTS.get(&store, &0).unwrap().unwrap().value, 16);
    }
}

#[tokio::test]
async fn a_batch_counts_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        put(&store, 1, "old").await;
        let read = NUMBERS.get(&store, &1).unwrap().unwrap();
        put(&store, 1, "new").await;

        let mut late = Batch::new();
        NUMBERS.put(&mut late, &2, &"two".to_owned()).unwrap();
        NUMBERS.replace(&mut late, &1, &read, &"late".to_owned()).unwrap();
        assert!(matches!(store.commit(late).await, Err(CommitError::Conflict)));
        assert_eq!(all(&store), [(1, "new".to_owned())]);
    }
}

#[tokio::test]
async fn a_value_that_came_back_is_not_the_one_that_was_read() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        put(&store, 1, "same").await;
        let read = NUMBERS.get(&store, &1).unwrap().unwrap();
        let mut away = Batch::new();
        NUMBERS.delete(&mut away, &1);
        store.commit(away).await.unwrap();
        put(&store, 1, "same").await;

        let mut remove = Batch::new();
        NUMBERS.remove(&mut remove, &1, &read).unwrap();
        assert!(matches!(store.commit(remove).await, Err(CommitError::Conflict)));
    }
}

#[tokio::test]
async fn long_records_are_split_and_leave_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        let cells = || store.read(|engine| engine.scan(&[], None, usize::MAX)).unwrap().len();
        put(&store, 1, "short").await;
        let few = cells();
        let long = "long ".repeat(200_000);
        put(&store, 1, &long).await;
        assert_eq!(value(&store, 1), Some(long));
        assert!(cells() > few + 200);
        put(&store, 1, &"middling ".repeat(2_000)).await;
        put(&store, 1, "short").await;
        assert_eq!(cells(), few);

        let too_long = NUMBERS.put(&mut Batch::new(), &1, &"x".repeat(1 << 20));
        assert!(matches!(too_long, Err(StoreFault::TooLarge(_))));
    }
    assert_no_blobs(&directory.path().join("durable"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_record_is_never_read_half_changed() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = Store::in_memory(&storage(directory.path())).unwrap();
    put(&store, 1, "").await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for round in 0..200_u32 {
                let letter = char::from(b'a' + u8::try_from(round % 26).unwrap());
                put(&store, 1, &letter.to_string().repeat(20_000 + 4096 * (round as usize % 3))).await;
            }
        }
    });
    while !writer.is_finished() {
        let read = value(&store, 1).unwrap();
        assert!(read.bytes().all(|octet| Some(octet) == read.bytes().next()));
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn tables_are_read_in_order_of_their_keys() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        let mut batch = Batch::new();
        for (name, number) in [("b", 1), ("a", 300), ("a", 2), ("ab", 1), ("", 9)] {
            PAIRS.insert(&mut batch, &(name.to_owned(), number), &u64::from(number)).unwrap();
        }
        NUMBERS.insert(&mut batch, &0, &"of another table".to_owned()).unwrap();
        store.commit(batch).await.unwrap();

        let keys = |found: Vec<((String, u16), _)>| found.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        let key = |name: &str, number| (name.to_owned(), number);
        let in_order = [key("", 9), key("a", 2), key("a", 300), key("ab", 1), key("b", 1)];
        assert_eq!(keys(PAIRS.scan(&store, None, 10).unwrap()), in_order);
        assert_eq!(keys(PAIRS.scan(&store, Some(&key("a", 2)), 2).unwrap()), in_order[2..4]);
        let mut prefix = Vec::new();
        "a".to_owned().encode(&mut prefix);
        assert_eq!(keys(PAIRS.scan_prefix(&store, &prefix, 10).unwrap()), in_order[1..3]);
    }
}

#[tokio::test]
async fn a_record_of_another_version_is_not_guessed_at() {
    const LATER: Table<u64, String> = Table::new(TablePrefix { octet: 0xE0, record: 2 });
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        put(&store, 1, "one").await;
        assert!(matches!(LATER.get(&store, &1), Err(StoreFault::Record(_))));
    }
}

#[tokio::test]
async fn everything_is_there_again_after_closing() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let store = open(directory.path());
        assert_eq!(all(&store).len(), round);
        put(&store, round as u64, &"value ".repeat(round * 2_000)).await;
        store.close().await;
        assert!(matches!(store.commit(Batch::new()).await, Err(CommitError::Store(StoreFault::Stopped))));
        assert!(matches!(NUMBERS.get(&store, &0), Err(StoreFault::Stopped)));
    }
}

#[tokio::test]
async fn a_second_one_in_the_same_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let second = Store::open(&storage(directory.path())).unwrap_err();
    assert!(matches!(second, StoreFault::Locked(_)), "{second}");
    store.close().await;
    open(directory.path());
}

#[tokio::test]
async fn a_body_handle_outlives_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let body = spool.keep(Bytes::from_static(b"body")).await.unwrap();
    store.close().await;
    assert_eq!(body.read(1..3).unwrap(), "od");
}
