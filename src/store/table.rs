//! Tables: typed views on the one key space.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Timestamp;
use crate::base::id::Id;
use crate::base::secret::TokenHash;
use crate::store::batch::{Batch, Change, Expectation};
use crate::store::record::{self, Record};
use crate::store::schema::TablePrefix;
use crate::store::{Store, StoreFault};

/// A table: a prefix, a type of key, a type of record.
///
/// Reads see what is committed; writes go into a [`Batch`].
#[derive(Debug)]
pub struct Table<K, V> {
    prefix: TablePrefix,
    kind: PhantomData<fn() -> (K, V)>,
}

/// A value and the version it was read at.
#[derive(Clone, Debug)]
pub struct Stored<V> {
    /// The value.
    pub value: V,
    /// Which of the values that this key has had. Never the same for two of them.
    pub version: u64,
}

/// Octets that sort as the key does.
pub trait Key: Sized {
    /// Appends the octets.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads what `encode` wrote, and nothing else.
    fn decode(octets: &[u8]) -> Option<Self>;

    /// How many octets at the beginning are this key, when another may follow.
    fn extent(octets: &[u8]) -> Option<usize>;
}

impl<K: Key, V: Serialize + DeserializeOwned> Table<K, V> {
    /// The table of this prefix. Its types are the book's to choose, once.
    #[must_use]
    pub const fn new(prefix: TablePrefix) -> Self {
        Self { prefix, kind: PhantomData }
    }

    /// The record at `key`.
    ///
    /// # Errors
    /// Where the store failed or the record is not of this table's form.
    pub fn get(&self, store: &Store, key: &K) -> Result<Option<Stored<V>>, StoreFault> {
        let key = self.octets_of(key);
        store.read(|engine| record::read(engine, &key))?.map(|record| self.stored(&record)).transpose()
    }

    /// Records in order of key; behind `after` if given; at most `limit`.
    ///
    /// # Errors
    /// As [`Table::get`].
    pub fn scan(
        &self,
        store: &Store,
        after: Option<&K>,
        limit: usize,
    ) -> Result<Vec<(K, Stored<V>)>, StoreFault> {
        let after = after.map(|key| self.octets_of(key));
        self.records(store, &[self.prefix.octet], after.as_deref(), limit)
    }

    /// As [`Table::scan`], but only keys whose encoding begins with `prefix` (first halves of pairs).
    ///
    /// # Errors
    /// As [`Table::get`].
    pub fn scan_prefix(
        &self,
        store: &Store,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<(K, Stored<V>)>, StoreFault> {
        let prefix = [&[self.prefix.octet], prefix].concat();
        self.records(store, &prefix, None, limit)
    }

    /// As [`Table::scan_prefix`], behind `after`: page after page.
    ///
    /// # Errors
    /// As [`Table::get`].
    pub fn scan_page(
        &self,
        store: &Store,
        prefix: &[u8],
        after: Option<&K>,
        limit: usize,
    ) -> Result<Vec<(K, Stored<V>)>, StoreFault> {
        let prefix = [&[self.prefix.octet], prefix].concat();
        let after = after.map(|key| self.octets_of(key));
        self.records(store, &prefix, after.as_deref(), limit)
    }

    /// Puts a record where none may be.
    ///
    /// # Errors
    /// [`StoreFault::TooLarge`].
    pub fn insert(&self, batch: &mut Batch, key: &K, value: &V) -> Result<(), StoreFault> {
        self.change(batch, key, Expectation::Nothing, Some(value))
    }

    /// Puts a record where `old` is.
    ///
    /// # Errors
    /// [`StoreFault::TooLarge`].
    pub fn replace(&self, batch: &mut Batch, key: &K, old: &Stored<V>, new: &V) -> Result<(), StoreFault> {
        self.change(batch, key, Expectation::Version(old.version), Some(new))
    }

    /// Takes `old` away.
    ///
    /// # Errors
    /// [`StoreFault::TooLarge`].
    pub fn remove(&self, batch: &mut Batch, key: &K, old: &Stored<V>) -> Result<(), StoreFault> {
        self.change(batch, key, Expectation::Version(old.version), None)
    }

    /// Puts a record, whatever is there.
    ///
    /// # Errors
    /// [`StoreFault::TooLarge`].
    pub fn put(&self, batch: &mut Batch, key: &K, value: &V) -> Result<(), StoreFault> {
        self.change(batch, key, Expectation::Anything, Some(value))
    }

    /// Takes away whatever is there.
    pub fn delete(&self, batch: &mut Batch, key: &K) {
        // The only fault there could be is a key too long to have been written.
        let _ = self.change(batch, key, Expectation::Anything, None);
    }

    fn change(
        &self,
        batch: &mut Batch,
        key: &K,
        expects: Expectation,
        value: Option<&V>,
    ) -> Result<(), StoreFault> {
        let key = self.octets_of(key);
        if key.len() > record::RECORD_KEY_MAX {
            return Err(StoreFault::TooLarge(format!("a key of {} octets", key.len())));
        }
        let draft = value.map(|value| self.draft(value)).transpose()?;
        batch.changes.push(Change { key, expects, draft });
        Ok(())
    }

    /// Room for the head, the record's form, the record.
    fn draft(&self, value: &V) -> Result<Vec<u8>, StoreFault> {
        let mut draft = vec![0; record::HEAD];
        draft.push(self.prefix.record);
        let draft =
            postcard::to_extend(value, draft).map_err(|fault| StoreFault::Record(fault.to_string()))?;
        if draft.len() > record::HEAD + record::RECORD_MAX {
            return Err(StoreFault::TooLarge(format!("a record of {} octets", draft.len())));
        }
        Ok(draft)
    }

    fn records(
        &self,
        store: &Store,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(K, Stored<V>)>, StoreFault> {
        let records = store.read(|engine| record::scan(engine, prefix, after, limit))?;
        records
            .into_iter()
            .map(|(key, record)| {
                let key = key.get(1..).and_then(K::decode);
                let key = key.ok_or_else(|| self.fault("one of its keys is not of its type"))?;
                Ok((key, self.stored(&record)?))
            })
            .collect()
    }

    fn stored(&self, record: &Record) -> Result<Stored<V>, StoreFault> {
        match record.octets.split_first() {
            Some((form, octets)) if *form == self.prefix.record => {
                let value = postcard::from_bytes(octets).map_err(|fault| self.fault(&fault.to_string()))?;
                Ok(Stored { value, version: record.version })
            }
            Some((form, _)) => {
                Err(self.fault(&format!("version {form}, where {} is known", self.prefix.record)))
            }
            None => Err(self.fault("it is empty")),
        }
    }

    fn fault(&self, reason: &str) -> StoreFault {
        StoreFault::Record(format!("table {:#04x}: {reason}", self.prefix.octet))
    }

    fn octets_of(&self, key: &K) -> Vec<u8> {
        let mut octets = Vec::with_capacity(64);
        octets.push(self.prefix.octet);
        key.encode(&mut octets);
        octets
    }
}

impl<Kind> Key for Id<Kind> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.octets());
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self::from_octets)
    }

    fn extent(_: &[u8]) -> Option<usize> {
        Some(16)
    }
}

impl Key for TokenHash {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.octets());
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        // Its serialised form is its 32 octets.
        (octets.len() == 32).then(|| postcard::from_bytes(octets).ok())?
    }

    fn extent(_: &[u8]) -> Option<usize> {
        Some(32)
    }
}

impl Key for Timestamp {
    /// With the sign turned round, so that what was before 1970 sorts before it.
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.millis() ^ i64::MIN).to_be_bytes());
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(|octets| Self::from_millis(i64::from_be_bytes(octets) ^ i64::MIN))
    }

    fn extent(_: &[u8]) -> Option<usize> {
        Some(8)
    }
}

macro_rules! number_key {
    ($($number:ty),*) => {$(
        impl Key for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn decode(octets: &[u8]) -> Option<Self> {
                octets.try_into().ok().map(Self::from_be_bytes)
            }

            fn extent(_: &[u8]) -> Option<usize> {
                Some(size_of::<Self>())
            }
        }
    )*};
}

number_key!(u8, u16, u32, u64);

impl Key for String {
    /// A zero inside becomes `00 FF`, the end is `00 01`: so the shorter sorts first, whatever follows.
    fn encode(&self, out: &mut Vec<u8>) {
        for octet in self.bytes() {
            out.push(octet);
            if octet == 0 {
                out.push(0xFF);
            }
        }
        out.extend_from_slice(&[0, 1]);
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut text = Vec::with_capacity(octets.len());
        let mut rest = octets.strip_suffix(&[0, 1])?.iter();
        while let Some(&octet) = rest.next() {
            if octet == 0 && rest.next() != Some(&0xFF) {
                return None;
            }
            text.push(octet);
        }
        Self::from_utf8(text).ok()
    }

    fn extent(octets: &[u8]) -> Option<usize> {
        memchr::memmem::find(octets, &[0, 1]).map(|end| end + 2)
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let (first, second) = octets.split_at_checked(A::extent(octets)?)?;
        Some((A::decode(first)?, B::decode(second)?))
    }

    fn extent(octets: &[u8]) -> Option<usize> {
        let first = A::extent(octets)?;
        Some(first + B::extent(octets.get(first..)?)?)
    }
}
