//! How a record lies in cells: whole in one where it fits, else the rest in numbered cells elsewhere.
//!
//! ```text
//! key                          version u64 · continuations u16 · form u8 · postcard …
//! 0xFF · key · number u16      version u64 · the next octets …
//! ```
//! `form` is the version of the record's form ([`crate::store::schema`]); `version` tells one value of the record
//! from the next, and the cells of one from the cells of the other: who reads while it changes, reads again.

use crate::store::StoreFault;
use crate::store::engine::{CELL_MAX, Cell, Engine, KEY_MAX, Write};
use crate::store::schema;

/// Octets of a record, its form included.
pub const RECORD_MAX: usize = 1024 * 1024;
/// Octets of a record's own key: prefix and number of a continuation go with it.
pub const RECORD_KEY_MAX: usize = KEY_MAX - 3;
/// The version and the number of continuations.
pub const HEAD: usize = 10;
/// The version alone.
const CONTINUATION_HEAD: usize = 8;
/// A reader that finds the record changed under its hands so often gives up.
const ATTEMPTS: usize = 100;

/// A record as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Of this value: the number of the group that wrote it.
    pub version: u64,
    /// Version of the record's form, then the record.
    pub octets: Vec<u8>,
}

/// What the first cell of a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of its value.
    pub version: u64,
    /// The number of its continuations.
    pub parts: u16,
}

/// Reads the record at `key`.
///
/// # Errors
/// What the engine says, and [`StoreFault::Record`] where its cells do not fit together.
pub fn read(engine: &dyn Engine, key: &[u8]) -> Result<Option<Record>, StoreFault> {
    for _ in 0..ATTEMPTS {
        let Some(value) = engine.read(key)? else { return Ok(None) };
        if let Some(record) = complete(engine, key, value)? {
            return Ok(Some(record));
        }
    }
    Err(StoreFault::Record("it changes faster than it can be read, or a part of it is missing".to_owned()))
}

/// Reads the records whose keys begin with `prefix`, behind `after`, at most `limit`.
///
/// # Errors
/// As [`read`].
pub fn scan(
    engine: &dyn Engine,
    prefix: &[u8],
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<(Vec<u8>, Record)>, StoreFault> {
    let mut records = Vec::new();
    for Cell { key, value } in engine.scan(prefix, after, limit)? {
        let record = match complete(engine, &key, value)? {
            Some(record) => Some(record),
            None => read(engine, &key)?,
        };
        records.extend(record.map(|record| (key, record)));
    }
    Ok(records)
}

/// How the record at `key` stands; `None` where there is none.
///
/// # Errors
/// What the engine says.
pub fn standing(engine: &dyn Engine, key: &[u8]) -> Result<Option<Standing>, StoreFault> {
    engine.read(key)?.map(|value| head(&value)).transpose()
}

/// Writes a record in place of the one `before`: `draft` is [`HEAD`] octets of room and then the record.
///
/// # Errors
/// [`StoreFault::TooLarge`] beyond [`RECORD_MAX`].
pub fn write(
    key: &[u8],
    version: u64,
    mut draft: Vec<u8>,
    before: Option<Standing>,
    writes: &mut Vec<Write>,
) -> Result<Standing, StoreFault> {
    let len = draft.len();
    let too_large = || StoreFault::TooLarge(format!("a record of {len} octets"));
    if len > HEAD + RECORD_MAX {
        return Err(too_large());
    }
    let mut parts: u16 = 0;
    for octets in draft.get(CELL_MAX..).unwrap_or_default().chunks(CELL_MAX - CONTINUATION_HEAD) {
        let mut value = Vec::with_capacity(CONTINUATION_HEAD + octets.len());
        value.extend_from_slice(&version.to_be_bytes());
        value.extend_from_slice(octets);
        writes.push(Write { key: continuation(key, parts), value: Some(value) });
        parts = parts.checked_add(1).ok_or_else(too_large)?;
    }
    remove_parts(key, parts, before, writes);
    draft.truncate(CELL_MAX);
    for (place, octet) in draft.iter_mut().zip(version.to_be_bytes().into_iter().chain(parts.to_be_bytes())) {
        *place = octet;
    }
    writes.push(Write { key: key.to_vec(), value: Some(draft) });
    Ok(Standing { version, parts })
}

/// Takes the record `before` away, and with it how it stood.
pub fn remove(key: &[u8], before: Option<Standing>, writes: &mut Vec<Write>) -> Option<Standing> {
    remove_parts(key, 0, before, writes);
    writes.push(Write { key: key.to_vec(), value: None });
    None
}

/// Takes away the continuations of the record `before` from number `from` on.
fn remove_parts(key: &[u8], from: u16, before: Option<Standing>, writes: &mut Vec<Write>) {
    let parts = before.map_or(0, |before| before.parts);
    writes.extend((from..parts).map(|part| Write { key: continuation(key, part), value: None }));
}

/// Puts the record together whose first cell is `value`; `None` where a continuation belongs to another version.
fn complete(engine: &dyn Engine, key: &[u8], mut value: Vec<u8>) -> Result<Option<Record>, StoreFault> {
    let Standing { version, parts } = head(&value)?;
    value.drain(..HEAD);
    for part in 0..parts {
        let Some(next) = engine.read(&continuation(key, part))? else { return Ok(None) };
        match next.split_first_chunk() {
            Some((of, octets)) if u64::from_be_bytes(*of) == version => value.extend_from_slice(octets),
            _ => return Ok(None),
        }
    }
    Ok(Some(Record { version, octets: value }))
}

fn head(value: &[u8]) -> Result<Standing, StoreFault> {
    let read = value.split_first_chunk().and_then(|(version, rest)| {
        let (parts, _) = rest.split_first_chunk()?;
        Some(Standing { version: u64::from_be_bytes(*version), parts: u16::from_be_bytes(*parts) })
    });
    read.ok_or_else(|| StoreFault::Record("it is too short".to_owned()))
}

/// The key of a continuation. Two of the same length differ in the record's key or in the number.
fn continuation(key: &[u8], part: u16) -> Vec<u8> {
    let mut octets = Vec::with_capacity(1 + key.len() + 2);
    octets.push(schema::CONTINUATIONS);
    octets.extend_from_slice(key);
    octets.extend_from_slice(&part.to_be_bytes());
    octets
}
