//! The store beside a map that does the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::store::tests::{NUMBERS, all, assert_no_blobs, open, stores};
use crate::store::{Batch, Key, Store};

/// What happens to a store.
#[derive(Clone, Debug)]
enum Event {
    Put(u64, usize),
    Insert(u64, usize),
    Replace(u64, usize),
    Delete(u64),
    Reopen,
}

fn event() -> impl Strategy<Value = Event> {
    let key = 0..12_u64;
    let len = prop_oneof![4 => 0..200_usize, 1 => 4000..4200_usize, 1 => 0..30_000_usize];
    prop_oneof![
        4 => (key.clone(), len.clone()).prop_map(|(key, len)| Event::Put(key, len)),
        3 => (key.clone(), len.clone()).prop_map(|(key, len)| Event::Insert(key, len)),
        3 => (key.clone(), len).prop_map(|(key, len)| Event::Replace(key, len)),
        3 => key.prop_map(Event::Delete),
        1 => Just(Event::Reopen),
    ]
}

/// Does to the store and to a map what `event` says, and sees whether they agree.
async fn follow(store: &Store, model: &mut BTreeMap<u64, String>, event: &Event, turn: usize) {
    let mut batch = Batch::new();
    let text = |len: usize| format!("{turn}:").chars().cycle().take(len).collect::<String>();
    let mut expected = model.clone();
    let mut holds = true;
    match *event {
        Event::Put(key, len) => {
            NUMBERS.put(&mut batch, &key, &text(len)).unwrap();
            expected.insert(key, text(len));
        }
        Event::Insert(key, len) => {
            NUMBERS.insert(&mut batch, &key, &text(len)).unwrap();
            holds = expected.insert(key, text(len)).is_none();
        }
        Event::Replace(key, len) => {
            let Some(old) = NUMBERS.get(store, &key).unwrap() else { return };
            NUMBERS.replace(&mut batch, &key, &old, &text(len)).unwrap();
            expected.insert(key, text(len));
        }
        Event::Delete(key) => {
            NUMBERS.delete(&mut batch, &key);
            expected.remove(&key);
        }
        Event::Reopen => {}
    }
    assert_eq!(store.commit(batch).await.is_ok(), holds, "{event:?}");
    if holds {
        *model = expected;
    }
    assert_eq!(all(store), model.clone().into_iter().collect::<Vec<_>>(), "{event:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_are_a_map(events in prop::collection::vec(event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let [mut durable, forgetful] = stores(directory.path());
            let (mut one, mut other) = (BTreeMap::new(), BTreeMap::new());
            for (turn, event) in events.iter().enumerate() {
                if matches!(event, Event::Reopen) {
                    durable.close().await;
                    durable = open(&directory.path().join("durable"));
                }
                follow(&durable, &mut one, event, turn).await;
                follow(&forgetful, &mut other, event, turn).await;
            }
            assert_no_blobs(&directory.path().join("durable"));
        });
    }

    #[test]
    fn keys_sort_as_their_octets(mut keys in prop::collection::vec((".{0,5}", any::<u16>()), 1..50)) {
        let octets = |key: &(String, u16)| {
            let mut octets = Vec::new();
            key.encode(&mut octets);
            octets
        };
        keys.extend([("a".to_owned(), 1), ("a\0".to_owned(), 0), ("a\u{1}".to_owned(), 0)]);
        keys.sort();
        prop_assert!(keys.iter().map(octets).is_sorted());
        for key in keys {
            prop_assert_eq!(<(String, u16)>::decode(&octets(&key)), Some(key));
        }
    }
}
