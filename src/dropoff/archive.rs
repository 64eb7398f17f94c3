//! All files of a package as one archive (PKWARE APPNOTE 6.3.10, "stored"), made while it is sent.
//!
//! Lengths and checksums are known before the first octet, so every header is final, the archive's own length is known,
//! and no data descriptors are needed, which some readers do not take on stored entries (APPNOTE §4.3.9).

use std::collections::{HashSet, VecDeque};
use std::io;

use bytes::Bytes;

use crate::base::clock::Timestamp;
use crate::base::filename::FileName;
use crate::base::id::BlobId;
use crate::store::blobs::{Blobs, Reader};

/// What 32 bits cannot say stands in the extra field behind this (§4.3.9.2).
const IN_EXTRA: u32 = u32::MAX;
const IN_EXTRA_16: u16 = u16::MAX;
/// The names are UTF-8 (§4.4.4, bit 11).
const FLAGS: u16 = 1 << 11;
/// Version 2.0 reads stored entries, 4.5 the long form (§4.4.3.2).
const VERSION: u16 = 20;
const VERSION_LONG: u16 = 45;
/// Made on Unix (§4.4.2.2), so that the mode below is read.
const MADE_BY: u16 = 3 << 8 | VERSION_LONG;
/// A regular file, `rw-r--r--`, in the upper half of the external attributes.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// An archive that is being sent.
#[derive(Debug)]
pub struct Archive {
    /// What to call it.
    pub name: FileName,
    len: u64,
    blobs: Blobs,
    segments: VecDeque<Segment>,
    reading: Option<Reader>,
}

/// A file that goes into it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: FileName,
    pub(super) len: u64,
    pub(super) crc32: u32,
    pub(super) modified: Timestamp,
    pub(super) blob: BlobId,
}

/// A run of the archive.
#[derive(Debug)]
enum Segment {
    Octets(Vec<u8>),
    File { blob: BlobId, len: u64 },
}

impl Archive {
    /// Of these files, in this order. Files of the same name get numbers.
    pub(super) fn of(name: FileName, items: &[Item], blobs: Blobs) -> Self {
        let (segments, len) = plan(items);
        Self { name, len, blobs, segments, reading: None }
    }

    /// Octets of all of it.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none: never.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next octets; `None` at the end.
    ///
    /// # Errors
    /// What the system says of a file.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(reader) = &mut self.reading {
                if let Some(piece) = reader.next().await? {
                    return Ok(Some(piece));
                }
                self.reading = None;
            }
            match self.segments.pop_front() {
                None => return Ok(None),
                Some(Segment::Octets(octets)) => return Ok(Some(octets.into())),
                Some(Segment::File { blob, len }) => {
                    self.reading = Some(self.blobs.read(blob, 0..len).await?);
                }
            }
        }
    }
}

/// The whole archive as runs, and its length.
fn plan(items: &[Item]) -> (VecDeque<Segment>, u64) {
    let mut segments = VecDeque::new();
    let mut directory = Vec::new();
    let mut names = HashSet::new();
    let mut at = 0_u64;
    for item in items {
        let name = unique(&item.name, &mut names);
        let header = local_header(item, &name);
        central_header(item, &name, at, &mut directory);
        at += header.len() as u64 + item.len;
        segments.push_back(Segment::Octets(header));
        segments.push_back(Segment::File { blob: item.blob, len: item.len });
    }
    end(items.len(), at, &mut directory);
    at += directory.len() as u64;
    segments.push_back(Segment::Octets(directory));
    (segments, at)
}

/// A name that none before it has, whatever the case, for not all file systems tell cases apart.
fn unique(name: &FileName, taken: &mut HashSet<String>) -> FileName {
    let mut candidate = name.clone();
    let mut number = 2;
    while !taken.insert(candidate.as_str().to_lowercase()) {
        candidate = name.numbered(number);
        number += 1;
    }
    candidate
}

/// §4.3.7.
fn local_header(item: &Item, name: &FileName) -> Vec<u8> {
    let is_long = item.len >= u64::from(IN_EXTRA);
    let mut out = Vec::with_capacity(64 + name.as_str().len());
    out.extend(0x0403_4B50_u32.to_le_bytes());
    out.extend(version(is_long).to_le_bytes());
    common(item, is_long, &mut out);
    out.extend(short(name.as_str().len() as u64).to_le_bytes());
    out.extend((if is_long { 20_u16 } else { 0 }).to_le_bytes());
    out.extend(name.as_str().as_bytes());
    if is_long {
        extra(&[item.len, item.len], &mut out);
    }
    out
}

/// §4.3.12.
fn central_header(item: &Item, name: &FileName, at: u64, out: &mut Vec<u8>) {
    let (is_long, is_far) = (item.len >= u64::from(IN_EXTRA), at >= u64::from(IN_EXTRA));
    let mut long = Vec::new();
    if is_long {
        long.extend([item.len, item.len]);
    }
    if is_far {
        long.push(at);
    }
    out.extend(0x0201_4B50_u32.to_le_bytes());
    out.extend(MADE_BY.to_le_bytes());
    out.extend(version(is_long || is_far).to_le_bytes());
    common(item, is_long, out);
    out.extend(short(name.as_str().len() as u64).to_le_bytes());
    out.extend(short(if long.is_empty() { 0 } else { 4 + 8 * long.len() as u64 }).to_le_bytes());
    // No comment, the first disk, no internal attributes.
    out.extend([0; 6]);
    out.extend(ATTRIBUTES.to_le_bytes());
    out.extend(word(at).to_le_bytes());
    out.extend(name.as_str().as_bytes());
    if !long.is_empty() {
        extra(&long, out);
    }
}

/// What both headers have alike: flags, method "stored", time, checksum, lengths before and after.
fn common(item: &Item, is_long: bool, out: &mut Vec<u8>) {
    let (time, date) = moment(item.modified);
    let len = if is_long { IN_EXTRA } else { word(item.len) };
    out.extend(FLAGS.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out.extend(time.to_le_bytes());
    out.extend(date.to_le_bytes());
    out.extend(item.crc32.to_le_bytes());
    out.extend(len.to_le_bytes());
    out.extend(len.to_le_bytes());
}

/// The extra field of the long form (§4.5.3).
fn extra(values: &[u64], out: &mut Vec<u8>) {
    out.extend(1_u16.to_le_bytes());
    out.extend(short(8 * values.len() as u64).to_le_bytes());
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// The ends of the central directory, which begins at `start` and is all of `out` so far (§4.3.14 to §4.3.16).
fn end(items: usize, start: u64, out: &mut Vec<u8>) {
    let (items, len) = (items as u64, out.len() as u64);
    if items >= u64::from(IN_EXTRA_16) || start >= u64::from(IN_EXTRA) || len >= u64::from(IN_EXTRA) {
        out.extend(0x0606_4B50_u32.to_le_bytes());
        // Octets of this record behind this field.
        out.extend(44_u64.to_le_bytes());
        out.extend(MADE_BY.to_le_bytes());
        out.extend(VERSION_LONG.to_le_bytes());
        out.extend([0; 8]);
        for value in [items, items, len, start] {
            out.extend(value.to_le_bytes());
        }
        out.extend(0x0706_4B50_u32.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend((start + len).to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(0x0605_4B50_u32.to_le_bytes());
    out.extend([0; 4]);
    out.extend(short(items).to_le_bytes());
    out.extend(short(items).to_le_bytes());
    out.extend(word(len).to_le_bytes());
    out.extend(word(start).to_le_bytes());
    out.extend(0_u16.to_le_bytes());
}

const fn version(is_long: bool) -> u16 {
    if is_long { VERSION_LONG } else { VERSION }
}

fn word(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(IN_EXTRA)
}

fn short(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(IN_EXTRA_16)
}

/// Time and date as MS-DOS has them (§4.4.6), in UTC: from 1980 on, in steps of two seconds.
fn moment(at: Timestamp) -> (u16, u16) {
    let at = at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u16::try_from(value).unwrap_or(0);
    let Some(years) = u16::try_from(at.year() - 1980).ok().filter(|years| *years < 128) else {
        return (0, 1 << 5 | 1);
    };
    let time = part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2);
    (time, years << 9 | part(at.month()) << 5 | part(at.day()))
}

#[cfg(test)]
mod tests;
