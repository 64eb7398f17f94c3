//! Bodies: append-only segments for small ones, a file for each large one.
//!
//! ```text
//! spool/0000000000000007.segment    small bodies, one behind the other, each with its length and its checksum
//! spool/…32 hexadecimal digits….body       one large body
//! spool/…32 hexadecimal digits….incoming   a large body that is still arriving
//! ```
//! A small body is gathered in memory and gets its place in the open segment at once, but it is written there by
//! the committer, with the other bodies of its group and one sync for all. A large one is written while it
//! arrives, and durable when `finish` returns.
//!
//! A body lives while a handle to it does, or from the commit that relies on it until it is released. A segment is
//! deleted when no body in it lives; what no record names is swept at start.

mod body;
mod incoming;
pub(in crate::store) mod reaper;
mod segment;
mod shelf;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::body::Body;
pub use self::incoming::Incoming;
pub(super) use self::shelf::Shelf;

/// Where a body lies. In records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BodyRef {
    /// In a segment.
    Segment {
        /// The number of the segment.
        segment: u64,
        /// Where in it the body's head begins.
        offset: u64,
        /// Octets of the body.
        len: u32,
    },
    /// In a file of its own.
    File {
        /// The name of the file.
        id: u128,
        /// Octets of the body.
        len: u64,
    },
}

/// Keeps bodies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool {
    shelf: Arc<Shelf>,
}

impl Spool {
    pub(super) const fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf }
    }

    /// A body that arrives. Dropping it before `finish` leaves nothing behind.
    #[must_use]
    pub fn receive(&self) -> Incoming {
        Incoming::new(Arc::clone(&self.shelf))
    }

    /// Keeps octets that are at hand (edits, notices). Durable with the batch that `relies_on` it.
    ///
    /// # Errors
    /// Where a large one could not be written.
    pub async fn keep(&self, octets: Bytes) -> io::Result<Body> {
        if octets.len() <= self.shelf.segment_body_max() {
            return Ok(self.shelf.place(octets));
        }
        let mut incoming = self.receive();
        incoming.write(&octets).await?;
        incoming.finish().await
    }

    /// A body that a record names.
    ///
    /// # Errors
    /// Where it is missing or damaged; a small one is read here, whole, and its checksum checked.
    pub fn open(&self, body: &BodyRef) -> io::Result<Body> {
        Body::open(&self.shelf, body)
    }

    /// Whether there is room for more mail (`storage.reserve`). To be asked before a message is taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shelf.has_room()
    }

    /// At start: a record names this body. Then `sweep`.
    pub fn adopt(&self, body: &BodyRef) {
        self.shelf.adopt(body);
    }

    /// At start, after all `adopt`s and before anything is received: removes whatever no record names. Gives how
    /// many files went.
    ///
    /// # Errors
    /// Where the directory could not be read or a file not be removed.
    pub fn sweep(&self) -> io::Result<usize> {
        self.shelf.sweep()
    }

    /// No record names it any more (call after the commit that removed the record).
    pub fn release(&self, body: &BodyRef) {
        self.shelf.free(body);
    }
}

impl BodyRef {
    /// Octets of the body.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Segment { len, .. } => u64::from(*len),
            Self::File { len, .. } => *len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
