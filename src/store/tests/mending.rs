//! The store when something broke: the database, a snapshot, the disk.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use crate::config::Storage;
use crate::mail::edit::Source;
use crate::store::tests::{NUMBERS, all, open, put, putting, storage, value};
use crate::store::{Batch, CommitError, Store, StoreFault};

/// Ways in which a database file breaks.
fn damages() -> [fn(&Path); 4] {
    [
        |directory| fs::write(directory.join("db/db"), [0xA5; 10_000]).unwrap(),
        |directory| {
            fs::File::options().write(true).open(directory.join("db/db")).unwrap().set_len(700).unwrap();
        },
        |directory| {
            let file = fs::File::options().read(true).write(true).open(directory.join("db/db")).unwrap();
            let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
            for place in (0..len).step_by(97) {
                file.write_all_at(&[0x5A], place as u64).unwrap();
            }
        },
        |directory| fs::remove_dir_all(directory.join("db")).unwrap(),
    ]
}

fn set_aside(directory: &Path) -> usize {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("db.broken-")).count()
}

#[tokio::test]
async fn a_broken_database_comes_back_from_export_and_journal() {
    for (number, damage) in damages().into_iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        // Every commit begins an export, unless one is running.
        let settings = Storage { export_every: Duration::ZERO, ..storage(directory.path()) };
        let (store, spool) = Store::open(&settings).unwrap();
        let mut expected = Vec::new();
        for key in 0..40 {
            let value = format!("value {key} ").repeat(usize::try_from(key).unwrap() * 30);
            put(&store, key, &value).await;
            if key % 3 == 0 {
                let mut batch = Batch::new();
                NUMBERS.delete(&mut batch, &key);
                store.commit(batch).await.unwrap();
            } else {
                expected.push((key, value));
            }
        }
        let body = spool.keep(Bytes::from_static(b"body")).await.unwrap();
        let mut batch = Batch::new();
        batch.relies_on(&body);
        store.commit(batch).await.unwrap();
        store.close().await;
        damage(directory.path());

        let (store, spool) = Store::open(&settings).unwrap();
        assert_eq!(all(&store), expected, "damage {number}");
        assert_eq!(spool.open(&body.reference()).unwrap().read(0..4).unwrap(), "body");
        put(&store, 99, "and on it goes").await;
        store.close().await;
        let (store, _) = Store::open(&settings).unwrap();
        assert_eq!(all(&store).len(), expected.len() + 1);
    }
}

#[tokio::test]
async fn a_journal_alone_is_enough() {
    for damage in damages() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        put(&store, 1, "one").await;
        put(&store, 2, &"two".repeat(5_000)).await;
        store.close().await;
        assert!(!directory.path().join("export").exists());
        damage(directory.path());
        let store = open(directory.path());
        assert_eq!(all(&store), [(1, "one".to_owned()), (2, "two".repeat(5_000))]);
    }
}

#[tokio::test]
async fn a_database_that_lost_its_end_gets_it_back() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy");
    let store = open(directory.path());
    put(&store, 1, "one").await;
    store.close().await;
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(directory.path().join("db")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    let store = open(directory.path());
    put(&store, 2, "two").await;
    store.close().await;

    fs::remove_dir_all(directory.path().join("db")).unwrap();
    fs::rename(&copy, directory.path().join("db")).unwrap();
    let store = open(directory.path());
    assert_eq!(all(&store), [(1, "one".to_owned()), (2, "two".to_owned())]);
    assert_eq!(set_aside(directory.path()), 0);
}

#[tokio::test]
async fn it_does_not_start_empty_in_silence() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    put(&store, 1, "one").await;
    store.close().await;
    fs::remove_dir_all(directory.path().join("journal")).unwrap();
    fs::write(directory.path().join("db/db"), [0xA5; 10_000]).unwrap();
    for _again in 0..2 {
        let refused = Store::open(&storage(directory.path())).unwrap_err();
        assert!(matches!(refused, StoreFault::Lost { .. }), "{refused}");
        assert!(refused.to_string().contains(directory.path().join("db").to_str().unwrap()));
    }
}

#[tokio::test]
async fn a_damaged_export_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Storage { export_every: Duration::ZERO, ..storage(directory.path()) };
    let (store, _) = Store::open(&settings).unwrap();
    put(&store, 1, &"one".repeat(100)).await;
    store.close().await;
    let export = directory.path().join("export/state.jsonl");
    let whole = fs::read(&export).unwrap();
    fs::write(&export, &whole[..whole.len() / 2]).unwrap();
    fs::write(directory.path().join("db/db"), [0xA5; 10_000]).unwrap();
    assert!(matches!(Store::open(&settings), Err(StoreFault::Lost { .. })));
}

#[tokio::test]
async fn a_journal_with_a_hole_is_not_played_over_it() {
    let directory = tempfile::tempdir().unwrap();
    for key in 0..3 {
        let store = open(directory.path());
        put(&store, key, "value").await;
        store.close().await;
    }
    fs::remove_file(directory.path().join(format!("journal/{:020}.journal", 2))).unwrap();
    fs::remove_dir_all(directory.path().join("db")).unwrap();
    assert!(matches!(Store::open(&storage(directory.path())), Err(StoreFault::Lost { .. })));
}

#[tokio::test]
async fn a_snapshot_left_half_written_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    put(&store, 1, "one").await;
    store.close().await;
    let snapshot = directory.path().join("db/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&snapshot, [0xA5; 100]).unwrap();

    let store = open(directory.path());
    assert_eq!(value(&store, 1).as_deref(), Some("one"));
    assert!(!snapshot.exists());
    assert_eq!(set_aside(directory.path()), 0);
}

#[tokio::test]
async fn an_export_lets_the_journal_be_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    put(&store, 1, "one").await;
    store.close().await;
    let settings = Storage { journal_max: 1, ..storage(directory.path()) };
    let (store, _) = Store::open(&settings).unwrap();
    put(&store, 2, "two").await;
    store.close().await;

    let journal = fs::read_dir(directory.path().join("journal")).unwrap();
    let octets: u64 = journal.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(octets, 0);
    fs::remove_dir_all(directory.path().join("db")).unwrap();
    assert_eq!(all(&open(directory.path())), [(1, "one".to_owned()), (2, "two".to_owned())]);
}

#[tokio::test]
async fn an_engine_that_fails_stops_the_store_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let broken = store.read(|_| Err::<(), _>(StoreFault::Engine("it broke".to_owned())));
    assert!(broken.is_err());
    assert_eq!(store.failed().await, "it broke");
    assert!(matches!(store.commit(putting(1, "one")).await, Err(CommitError::Store(StoreFault::Stopped))));
    store.close().await;
}

#[tokio::test]
async fn without_room_records_go_on_and_bodies_wait() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Storage { reserve: u64::MAX, ..storage(directory.path()) };
    let (store, spool) = Store::open(&settings).unwrap();
    assert!(!spool.has_room());
    put(&store, 1, "settled").await;

    let mut batch = putting(2, "a message");
    batch.relies_on(&spool.keep(Bytes::from_static(b"body")).await.unwrap());
    assert!(matches!(store.commit(batch).await, Err(CommitError::Store(StoreFault::Full))));
    let mut large = spool.receive();
    let refused = large.write(&[0; 5000]).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
}
