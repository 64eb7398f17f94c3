//! The export: all cells as lines of text, so that no state is a prisoner of its engine.
//!
//! ```text
//! {"postern":1,"since":4711,"crc":1339209543}
//! {"key":"…","value":"…","crc":2774410043}
//! {"cells":1,"until":4719,"crc":3904355907}
//! ```
//! `key` and `value` are base 64 (RFC 4648 §4), `crc` is the CRC-32 of what the line says: of the key and the value,
//! one behind the other; of a number, eight octets, the highest first; in the last line of both numbers. An export
//! is taken while changes go on: each cell stands in it as it was at some moment between the groups `since` and
//! `until`. The journal from `since` on, played over it, gives one state again, as of the journal's end.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::store::StoreFault;
use crate::store::engine::{Cell, Write};
use crate::store::private;

/// The name of the file in its directory.
const NAME: &str = "state.jsonl";
/// The form written now.
const FORM: u32 = 1;
/// Cells read or written at once.
pub const STRIDE: usize = 1024;
/// Octets of a line: the longest cell twice in base 64 leaves room enough.
const LINE_MAX: u64 = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct First {
    postern: u32,
    since: u64,
    crc: u32,
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    value: String,
    crc: u32,
}

#[derive(Serialize, Deserialize)]
struct Last {
    cells: u64,
    until: u64,
    crc: u32,
}

/// Between which groups an export was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// All groups up to this one are in it.
    pub since: u64,
    /// No group behind this one is.
    pub until: u64,
}

/// Writes all cells that `next` gives (those behind a key, at most [`STRIDE`]), in place of the export before.
/// Every group up to `since` is in what `next` reads; `until` tells, when all is read, which group is the last that
/// may be. Ends when the file is durable; gives the number of cells.
///
/// # Errors
/// What `next` or the system says; the export before is untouched then.
pub fn write(
    directory: &Path,
    since: u64,
    until: impl FnOnce() -> u64,
    next: impl Fn(Option<&[u8]>) -> Result<Vec<Cell>, StoreFault>,
) -> Result<u64, StoreFault> {
    private::directory(directory)?;
    let unfinished = directory.join(format!("{NAME}.new"));
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    write_line(&mut file, &First { postern: FORM, since, crc: checksum(&since.to_be_bytes(), &[]) })?;
    let mut cells: u64 = 0;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let stride = next(after.as_deref())?;
        let Some(last) = stride.last() else { break };
        after = Some(last.key.clone());
        for Cell { key, value } in &stride {
            let line = Line {
                key: BASE64_STANDARD.encode(key),
                value: BASE64_STANDARD.encode(value),
                crc: checksum(key, value),
            };
            write_line(&mut file, &line)?;
            cells += 1;
        }
    }
    let until = until();
    let crc = checksum(&cells.to_be_bytes(), &until.to_be_bytes());
    write_line(&mut file, &Last { cells, until, crc })?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(NAME))?;
    File::open(directory)?.sync_all()?;
    Ok(cells)
}

/// Reads the export in `directory`, handing its cells to `take` some at a time. `None` where there is none.
///
/// # Errors
/// [`StoreFault::Engine`] where a line is damaged or the end is missing; what `take` or the system says.
pub fn read(
    directory: &Path,
    take: impl FnMut(Vec<Write>) -> Result<(), StoreFault>,
) -> Result<Option<Taken>, StoreFault> {
    match File::open(directory.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => read_all(BufReader::with_capacity(1 << 20, file?), take).map(Some),
    }
}

fn read_all(
    mut file: impl BufRead,
    mut take: impl FnMut(Vec<Write>) -> Result<(), StoreFault>,
) -> Result<Taken, StoreFault> {
    let since = read_first(&mut file)?.ok_or_else(|| damaged("its first line"))?;
    let mut cells: u64 = 0;
    let mut stride = Vec::with_capacity(STRIDE);
    loop {
        let text = read_line(&mut file)?;
        let Ok(line) = serde_json::from_str::<Line>(&text) else {
            let last: Last = serde_json::from_str(&text).map_err(|_| damaged("a line"))?;
            if last.cells != cells || last.crc != checksum(&cells.to_be_bytes(), &last.until.to_be_bytes()) {
                return Err(damaged("its last line"));
            }
            take(stride)?;
            return Ok(Taken { since, until: last.until });
        };
        stride.push(cell_of(&line).ok_or_else(|| damaged("a checksum"))?);
        cells += 1;
        if stride.len() == STRIDE {
            take(std::mem::replace(&mut stride, Vec::with_capacity(STRIDE)))?;
        }
    }
}

/// Whether there is an export, good or bad.
pub fn exists(directory: &Path) -> bool {
    directory.join(NAME).exists()
}

/// The group that the export in `directory` was begun after, where there is one and its first line can be read.
pub fn group(directory: &Path) -> Option<u64> {
    let mut file = BufReader::new(File::open(directory.join(NAME)).ok()?);
    read_first(&mut file).ok()?
}

/// The group in the first line; `None` where it is not as it was written.
fn read_first(file: &mut impl BufRead) -> io::Result<Option<u64>> {
    let first = serde_json::from_str::<First>(&read_line(file)?).ok();
    let is_whole =
        |first: &First| first.postern == FORM && first.crc == checksum(&first.since.to_be_bytes(), &[]);
    Ok(first.filter(is_whole).map(|first| first.since))
}

fn cell_of(line: &Line) -> Option<Write> {
    let key = BASE64_STANDARD.decode(&line.key).ok()?;
    let value = BASE64_STANDARD.decode(&line.value).ok()?;
    (checksum(&key, &value) == line.crc).then_some(Write { key, value: Some(value) })
}

fn checksum(one: &[u8], other: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(one);
    crc.update(other);
    crc.finalize()
}

fn write_line(file: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}

fn read_line(file: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    io::Read::take(file, LINE_MAX).read_line(&mut line)?;
    Ok(line)
}

fn damaged(what: &str) -> StoreFault {
    StoreFault::Engine(format!("the export is damaged: {what} is not as it was written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Vec<Cell> {
        let number = |number: u8| Cell { key: vec![number], value: vec![number; usize::from(number) * 3] };
        (0..20).map(number).collect()
    }

    fn export(directory: &Path) {
        let next = |after: Option<&[u8]>| Ok(if after.is_none() { cells() } else { Vec::new() });
        assert_eq!(write(directory, 3, || 5, next).unwrap(), 20);
    }

    fn import(mut text: &[u8]) -> Result<(Taken, Vec<Write>), StoreFault> {
        let mut found = Vec::new();
        let taken = read_all(&mut text, |writes| {
            found.extend(writes);
            Ok(())
        })?;
        Ok((taken, found))
    }

    #[test]
    fn what_was_exported_is_read_back_and_no_damage_is_taken_for_state() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(group(directory.path()), None);
        assert_eq!(read(directory.path(), |_| Ok(())).unwrap(), None);
        export(directory.path());
        assert_eq!(group(directory.path()), Some(3));

        let whole = fs::read(directory.path().join(NAME)).unwrap();
        let writes = cells().into_iter().map(|Cell { key, value }| Write { key, value: Some(value) });
        let expected = (Taken { since: 3, until: 5 }, writes.collect::<Vec<_>>());
        assert_eq!(import(&whole).unwrap(), expected);
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            // What does not matter may be damaged: the end of a line.
            assert!(import(&damaged).ok().is_none_or(|found| found == expected), "octet {place}");
        }
        for len in 0..whole.len() - 1 {
            assert!(import(&whole[..len]).is_err(), "cut at {len}");
        }
    }
}
