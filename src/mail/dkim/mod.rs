//! Signing by DKIM (RFC 6376; RFC 8463 for Ed25519): a receiver can tell that a mail is ours, and that nobody changed it.
//!
//! A signature is one more edit, at the top of the copy, made when all others are: nothing may change the copy after
//! [`Signer::signed`]. It covers the body in its relaxed form, without `l=`, and the fields that a reader sees
//! ([`signature`]). The copy is read once, in chunks, whatever its size and however many keys there are.
//!
//! Every key whose domain is an author's, or stands above it, signs. A signature of ours that came in with the mail is
//! left alone where nothing changes; where something does it goes, for it would be broken. Those of others stay: their
//! meaning is between them and the reader.

mod canonical;
pub mod key;
mod signature;
mod tags;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use bytes::Bytes;
use thiserror::Error;

use crate::base::address::Domain;
use crate::base::clock::Timestamp;
use crate::mail::dkim::canonical::BodyHash;
use crate::mail::dkim::key::Key;
use crate::mail::dkim::signature::{Unsigned, canonical_header, covered};
use crate::mail::edit::{Edit, Edited, Edits, Source};
use crate::mail::field::{HeaderLine, fields};

/// Octets of the copy that are read at once.
const CHUNK: u64 = 256 * 1024;

/// Signs mail with whatever keys there are; with none, it changes nothing. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    keys: Arc<[Key]>,
    lifetime: Duration,
}

/// Why a mail was not signed.
#[derive(Debug, Error)]
pub enum SignFault {
    /// The disk's fault; worth another try.
    #[error("reading the message")]
    Read(#[from] io::Error),
    /// The library's.
    #[error("the key did not sign")]
    Key(#[from] Unspecified),
    /// Two edits of one place: an error of the program.
    #[error("the edits of the header overlap")]
    Overlap,
}

impl Signer {
    /// Signs with these keys. Signatures are valid for `lifetime`: longer than we try to deliver, and than the next
    /// hops do after us.
    #[must_use]
    pub fn new(keys: Vec<Key>, lifetime: Duration) -> Self {
        Self { keys: keys.into(), lifetime }
    }

    /// Signs nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new(), Duration::ZERO)
    }

    /// Whether [`Signer::signed`] has anything to do for authors in these domains.
    #[must_use]
    pub fn signs_for(&self, authors: &[&Domain]) -> bool {
        authors.iter().any(|author| self.keys.iter().any(|key| key.signs_for(author)))
    }

    /// The edits of a copy, and its signatures with them. `header` is the original's. Blocking: reads the copy.
    ///
    /// # Errors
    /// [`SignFault`].
    pub fn signed(
        &self,
        original: &dyn Source,
        header: &[u8],
        edits: Edits,
        authors: &[&Domain],
        at: Timestamp,
    ) -> Result<Edits, SignFault> {
        let by_us =
            |key: &Key| fields(header).any(|field| field.is(signature::NAME) && key.made(field.value));
        let signs = |key: &&Key| authors.iter().any(|author| key.signs_for(author));
        if edits.is_empty() {
            // Nothing is broken; what has a signature of a key needs no second one.
            let keys: Vec<&Key> = self.keys.iter().filter(signs).filter(|key| !by_us(key)).collect();
            return self.with_signatures(original, edits, &keys, at);
        }
        self.signed_anew(original, header, &edits, authors, at)
    }

    /// As [`Signer::signed`], of a copy that was changed in any case: what signatures of ours came in with it are broken.
    ///
    /// # Errors
    /// [`SignFault`].
    pub fn signed_anew(
        &self,
        original: &dyn Source,
        header: &[u8],
        edits: &Edits,
        authors: &[&Domain],
        at: Timestamp,
    ) -> Result<Edits, SignFault> {
        let signs = |key: &&Key| authors.iter().any(|author| key.signs_for(author));
        let keys: Vec<&Key> = self.keys.iter().filter(signs).collect();
        let broken = fields(header)
            .filter(|field| field.is(signature::NAME) && self.keys.iter().any(|key| key.made(field.value)))
            .map(|field| Edit::remove(field.range.start as u64..field.range.end as u64));
        let edits = Edits::new(edits.iter().cloned().chain(broken).collect()).ok_or(SignFault::Overlap)?;
        self.with_signatures(original, edits, &keys, at)
    }

    /// A message of our own, signed if there is a key for its author's domain.
    ///
    /// # Errors
    /// [`SignFault`].
    pub fn own(&self, octets: Vec<u8>, author: &Domain, at: Timestamp) -> Result<Bytes, SignFault> {
        let octets = Bytes::from(octets);
        let edits = self.signed(&octets, &[], Edits::default(), &[author], at)?;
        let signed = Edited::new(&octets, &edits);
        Ok(signed.read(0..signed.len())?)
    }

    fn with_signatures(
        &self,
        original: &dyn Source,
        edits: Edits,
        keys: &[&Key],
        at: Timestamp,
    ) -> Result<Edits, SignFault> {
        if keys.is_empty() {
            return Ok(edits);
        }
        let (header, body_hash) = read(&Edited::new(original, &edits))?;
        let covered = covered(&header);
        let mut signatures = Vec::new();
        for key in keys {
            let unsigned = Unsigned::new(key, &covered, &body_hash, at, self.lifetime);
            let signature = key.sign(&canonical_header(&header, &covered, unsigned.value()))?;
            signatures.extend(unsigned.with(&signature));
        }
        // First in the list, so that it stands first of what is inserted at the top.
        let first = std::iter::once(Edit::insert(0, signatures));
        Edits::new(first.chain(edits.iter().cloned()).collect()).ok_or(SignFault::Overlap)
    }
}

/// Header and hash of the body, in one pass. Only the header is kept; the outline has bounded it when the mail came in.
fn read(copy: &Edited<'_>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let len = copy.len();
    let mut header = Vec::new();
    let mut at = 0;
    let mut line = 0;
    let end = loop {
        let end = len.min(at + CHUNK);
        header.extend_from_slice(&copy.read(at..end)?);
        at = end;
        match header_end(&header, &mut line, at == len) {
            Some(end) => break end,
            None if at == len => break header.len(),
            None => {}
        }
    };
    let mut hash = BodyHash::new();
    hash.feed(header.get(end..).unwrap_or_default());
    header.truncate(end);
    while at < len {
        let end = len.min(at + CHUNK);
        hash.feed(&copy.read(at..end)?);
        at = end;
    }
    Ok((header, hash.finish().as_ref().to_vec()))
}

/// Where the body begins, seeking from the line at `line` on, which moves along; `None` if it has not begun yet.
fn header_end(octets: &[u8], line: &mut usize, is_all: bool) -> Option<usize> {
    loop {
        let rest = octets.get(*line..).filter(|rest| !rest.is_empty())?;
        let len = match memchr::memchr(b'\n', rest) {
            Some(at) => at + 1,
            None if is_all => rest.len(),
            None => return None,
        };
        match HeaderLine::of(rest.get(..len)?) {
            HeaderLine::Field => *line += len,
            HeaderLine::End => return Some(*line + len),
            // As the outline reads it: the body of somebody who forgot the empty line.
            HeaderLine::Other => return Some(*line),
        }
    }
}

#[cfg(test)]
mod tests;
