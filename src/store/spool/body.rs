//! A handle to a body.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::mail::edit::Source;
use crate::store::spool::{BodyRef, Shelf};

/// A body that can be read, any number of times, from any thread. A small one stays in memory while a handle lives.
#[derive(Clone, Debug)]
pub struct Body(Arc<Held>);

/// What all handles of a body share. The last one to go takes the body along, unless a commit relied on it.
#[derive(Debug)]
struct Held {
    reference: BodyRef,
    content: Content,
    is_kept: AtomicBool,
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    File(File),
}

impl Body {
    /// A small body that has its place and is not yet written there.
    pub(super) fn in_memory(shelf: Arc<Shelf>, reference: BodyRef, octets: Bytes) -> Self {
        Self::new(shelf, reference, Content::Memory(octets), false)
    }

    /// A large body in its file, durable, named by no record yet.
    pub(super) fn in_file(shelf: Arc<Shelf>, reference: BodyRef, file: File) -> Self {
        Self::new(shelf, reference, Content::File(file), false)
    }

    /// A body that a record names.
    pub(super) fn open(shelf: &Arc<Shelf>, reference: &BodyRef) -> io::Result<Self> {
        let content = match *reference {
            BodyRef::Segment { segment, offset, len } => {
                Content::Memory(shelf.read_from_segment(segment, offset, len)?)
            }
            BodyRef::File { id, len } => Content::File(shelf.open_file(id, len)?),
        };
        Ok(Self::new(Arc::clone(shelf), *reference, content, true))
    }

    fn new(shelf: Arc<Shelf>, reference: BodyRef, content: Content, is_kept: bool) -> Self {
        Self(Arc::new(Held { reference, content, is_kept: AtomicBool::new(is_kept), shelf }))
    }

    /// Where it lies, for a record.
    #[must_use]
    pub fn reference(&self) -> BodyRef {
        self.0.reference
    }

    /// The octets of a small body that is not yet in its segment.
    pub(super) fn unwritten(&self) -> Option<&Bytes> {
        match &self.0.content {
            Content::Memory(octets) if !self.0.is_kept.load(Ordering::Acquire) => Some(octets),
            _ => None,
        }
    }

    /// From now on a record names it, or may do so after a restart.
    pub(in crate::store) fn keep(&self) {
        self.0.is_kept.store(true, Ordering::Release);
    }
}

impl Source for Body {
    fn len(&self) -> u64 {
        self.0.reference.len()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let beyond = || io::Error::new(io::ErrorKind::InvalidInput, "a body was read beyond its end");
        if range.start > range.end || range.end > self.len() {
            return Err(beyond());
        }
        match &self.0.content {
            Content::Memory(octets) => {
                let start = usize::try_from(range.start).map_err(|_| beyond())?;
                let end = usize::try_from(range.end).map_err(|_| beyond())?;
                Ok(octets.slice(start..end))
            }
            Content::File(file) => {
                let len = usize::try_from(range.end - range.start).map_err(|_| beyond())?;
                let mut octets = vec![0; len];
                file.read_exact_at(&mut octets, range.start)?;
                Ok(octets.into())
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !*self.is_kept.get_mut() {
            self.shelf.free(&self.reference);
        }
    }
}
