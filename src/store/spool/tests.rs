//! Life and death of bodies.

use std::path::Path;

use bytes::Bytes;

use crate::config::Storage;
use crate::mail::edit::Source;
use crate::store::spool::{Body, BodyRef, Spool};
use crate::store::tests::storage;
use crate::store::{Batch, Store};

/// Makes a body durable, as if a record named it.
async fn commit(store: &Store, body: &Body) {
    let mut batch = Batch::new();
    batch.relies_on(body);
    store.commit(batch).await.unwrap();
}

async fn keep(spool: &Spool, octets: &[u8]) -> Body {
    spool.keep(Bytes::copy_from_slice(octets)).await.unwrap()
}

async fn receive(spool: &Spool, octets: &[u8]) -> Body {
    let mut incoming = spool.receive();
    for chunk in octets.chunks(700) {
        incoming.write(chunk).await.unwrap();
    }
    incoming.finish().await.unwrap()
}

fn content(body: &Body) -> Bytes {
    body.read(0..body.len()).unwrap()
}

/// The names in the spool, once all that is to be removed is removed.
fn files(spool: &Spool, directory: &Path) -> Vec<String> {
    spool.shelf.wait_for_removals();
    let entries = std::fs::read_dir(directory.join("spool")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn octets(len: usize) -> Vec<u8> {
    (0..len).map(|place| u8::try_from(place * 31 % 251).unwrap()).collect()
}

#[tokio::test]
async fn bodies_of_every_length_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let mut bodies = Vec::new();
    for len in [0, 1, 4095, 4096, 4097, 8192, 8193, 50_000] {
        for body in [receive(&spool, &octets(len)).await, keep(&spool, &octets(len)).await] {
            assert_eq!(content(&body), octets(len));
            assert_eq!(matches!(body.reference(), BodyRef::File { .. }), len > 4096);
            commit(&store, &body).await;
            bodies.push(body.reference());
        }
    }
    store.close().await;
    let (_store, spool) = Store::open(&storage(directory.path())).unwrap();
    for body in &bodies {
        spool.adopt(body);
    }
    assert_eq!(spool.sweep().unwrap(), 0);
    for reference in bodies {
        let body = spool.open(&reference).unwrap();
        assert_eq!(content(&body), octets(usize::try_from(reference.len()).unwrap()));
        assert!(body.read(0..reference.len() + 1).is_err());
    }
}

#[tokio::test]
async fn bodies_that_are_committed_together_do_not_mix() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let mut kept = Vec::new();
    let mut batch = Batch::new();
    for round in 0..100 {
        let body = keep(&spool, &octets(round * 40)).await;
        // Every third goes its own way, and its place stays empty.
        if round % 3 != 0 {
            batch.relies_on(&body);
            batch.relies_on(&body);
            kept.push((round * 40, body.reference()));
        }
    }
    store.commit(batch).await.unwrap();
    for (len, reference) in kept {
        assert_eq!(content(&spool.open(&reference).unwrap()), octets(len));
    }
}

#[tokio::test]
async fn what_no_commit_relied_on_goes_with_its_last_handle() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, spool) = Store::open(&storage(directory.path())).unwrap();
    let body = receive(&spool, &octets(20_000)).await;
    let other = body.clone();
    drop(body);
    assert_eq!(files(&spool, directory.path()).len(), 1);
    drop(other);
    assert!(files(&spool, directory.path()).is_empty());

    let mut unfinished = spool.receive();
    unfinished.write(&octets(20_000)).await.unwrap();
    assert_eq!(files(&spool, directory.path()).len(), 1);
    drop(unfinished);
    assert!(files(&spool, directory.path()).is_empty());
}

#[tokio::test]
async fn what_a_commit_relied_on_stays_until_it_is_released() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let body = receive(&spool, &octets(20_000)).await;
    commit(&store, &body).await;
    let reference = body.reference();
    drop(body);
    assert_eq!(files(&spool, directory.path()).len(), 1);

    let reader = spool.open(&reference).unwrap();
    spool.release(&reference);
    spool.release(&reference);
    assert!(files(&spool, directory.path()).is_empty());
    assert_eq!(content(&reader), octets(20_000), "who has it open may read on");
    assert!(spool.open(&reference).is_err());
}

#[tokio::test]
async fn a_segment_is_deleted_with_its_last_body() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let mut bodies = Vec::new();
    for _ in 0..40 {
        let body = keep(&spool, &octets(4000)).await;
        commit(&store, &body).await;
        bodies.push(body.reference());
    }
    // 64 KiB hold sixteen of them.
    assert_eq!(files(&spool, directory.path()).len(), 3);
    for body in &bodies[..15] {
        spool.release(body);
    }
    assert_eq!(files(&spool, directory.path()).len(), 3);
    spool.release(&bodies[15]);
    assert_eq!(files(&spool, directory.path()).len(), 2);
    // The open segment goes too, being well used and empty.
    for body in &bodies[16..] {
        spool.release(body);
    }
    assert!(files(&spool, directory.path()).is_empty());

    let body = keep(&spool, &octets(10)).await;
    commit(&store, &body).await;
    assert_eq!(content(&spool.open(&body.reference()).unwrap()), octets(10));
}

#[tokio::test]
async fn what_no_record_names_is_swept_at_start() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let (named, forgotten) = (keep(&spool, &octets(100)).await, receive(&spool, &octets(9000)).await);
    commit(&store, &named).await;
    commit(&store, &forgotten).await;
    let spool_directory = directory.path().join("spool");
    std::fs::write(spool_directory.join(format!("{:032x}.incoming", 7)), "half").unwrap();
    std::fs::write(spool_directory.join("0000000000000000.segment"), "old").unwrap();
    std::fs::write(spool_directory.join("notes.txt"), "not ours").unwrap();
    store.close().await;

    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    spool.adopt(&named.reference());
    assert_eq!(spool.sweep().unwrap(), 3);
    assert_eq!(files(&spool, directory.path()), ["0000000000000001.segment", "notes.txt"]);
    assert!(spool.open(&forgotten.reference()).is_err());
    spool.release(&named.reference());
    assert_eq!(files(&spool, directory.path()), ["notes.txt"]);
    store.close().await;
}

#[tokio::test]
async fn a_damaged_body_is_not_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let (small, large) = (keep(&spool, &octets(100)).await, receive(&spool, &octets(9000)).await);
    commit(&store, &small).await;
    for entry in std::fs::read_dir(directory.path().join("spool")).unwrap() {
        let path = entry.unwrap().path();
        let mut damaged = std::fs::read(&path).unwrap();
        damaged[50] ^= 1;
        damaged.pop();
        std::fs::write(path, damaged).unwrap();
    }
    for reference in [small.reference(), large.reference()] {
        assert!(spool.open(&reference).is_err(), "{reference:?}");
    }
}

#[tokio::test]
async fn a_number_that_a_record_knows_is_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings: Storage = storage(directory.path());
    let (store, spool) = Store::in_memory(&settings).unwrap();
    let lost = BodyRef::Segment { segment: 9, offset: 0, len: 3 };
    spool.adopt(&lost);
    spool.sweep().unwrap();
    let body = keep(&spool, b"new").await;
    commit(&store, &body).await;
    assert!(spool.open(&lost).is_err());
}
