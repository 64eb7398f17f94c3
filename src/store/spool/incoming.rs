//! A body that is still arriving.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::store::spool::{Body, BodyRef, Shelf};

/// A body that arrives. Dropping it before [`Incoming::finish`] leaves nothing behind.
///
/// Up to `storage.segment_body_max` octets wait in memory; what is longer goes to a file, a bufferful at a time,
/// each written aside while the next one fills.
#[derive(Debug)]
pub struct Incoming {
    shelf: Arc<Shelf>,
    buffer: Vec<u8>,
    spill: Option<Spill>,
}

/// The file of a large body.
#[derive(Debug)]
struct Spill {
    shelf: Arc<Shelf>,
    id: u128,
    path: PathBuf,
    file: Arc<File>,
    /// Octets written, or being written.
    len: u64,
    /// The bufferful that is on its way to the disk; gives the buffer back.
    writing: Option<JoinHandle<io::Result<Vec<u8>>>>,
    /// What was to be written is not there.
    is_broken: bool,
    is_finished: bool,
}

impl Incoming {
    pub(super) const fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf, buffer: Vec::new(), spill: None }
    }

    /// Octets so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.spill.as_ref().map_or(0, |spill| spill.len) + self.buffer.len() as u64
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// `StorageFull` where a large body begins and less than `storage.reserve` is free; else what the system says.
    /// The body is lost then.
    pub async fn write(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        while !chunk.is_empty() {
            let free = self.shelf.segment_body_max().saturating_sub(self.buffer.len());
            if free == 0 {
                self.spill_over().await?;
                continue;
            }
            let (now, later) = chunk.split_at(free.min(chunk.len()));
            self.buffer.extend_from_slice(now);
            chunk = later;
        }
        Ok(())
    }

    /// All is there. A large body is durable now, a small one with the batch that relies on it.
    ///
    /// # Errors
    /// What the system says of the file of a large body.
    pub async fn finish(mut self) -> io::Result<Body> {
        if self.spill.is_none() {
            return Ok(self.shelf.place(Bytes::from(self.buffer)));
        }
        self.spill_over().await?;
        match self.spill {
            Some(spill) => spill.finish().await,
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Sends the buffer to the file, which is made if there is none, and goes on with another.
    async fn spill_over(&mut self) -> io::Result<()> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::begin(&self.shelf).await?),
        };
        let other = spill.written().await?;
        spill.write(std::mem::replace(&mut self.buffer, other));
        Ok(())
    }
}

impl Spill {
    async fn begin(shelf: &Arc<Shelf>) -> io::Result<Self> {
        if !shelf.has_room() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let shelf = Arc::clone(shelf);
        tokio::task::spawn_blocking(move || {
            let id = uuid::Uuid::now_v7().as_u128();
            let path = shelf.incoming_path(id);
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            let file = Arc::new(file);
            Ok(Self { shelf, id, path, file, len: 0, writing: None, is_broken: false, is_finished: false })
        })
        .await?
    }

    /// Ends when nothing is being written; gives a buffer to fill.
    async fn written(&mut self) -> io::Result<Vec<u8>> {
        let done = match &mut self.writing {
            Some(writing) => writing.await.unwrap_or_else(|error| Err(error.into())),
            None if self.is_broken => Err(io::Error::other("a part of this body could not be written")),
            None => Ok(Vec::with_capacity(self.shelf.segment_body_max())),
        };
        self.writing = None;
        self.is_broken = done.is_err();
        done
    }

    fn write(&mut self, mut buffer: Vec<u8>) {
        let (file, offset) = (Arc::clone(&self.file), self.len);
        self.len += buffer.len() as u64;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            file.write_all_at(&buffer, offset)?;
            buffer.clear();
            Ok(buffer)
        }));
    }

    /// Durable by content, then by name.
    async fn finish(mut self) -> io::Result<Body> {
        self.written().await?;
        let reference = BodyRef::File { id: self.id, len: self.len };
        let (owner, from, file) = (Arc::clone(&self.shelf), self.path.clone(), Arc::clone(&self.file));
        let body = tokio::task::spawn_blocking(move || owner.take_file(&from, file.try_clone()?, reference))
            .await??;
        self.is_finished = true;
        Ok(body)
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if !self.is_finished {
            self.shelf.remove_later(std::mem::take(&mut self.path));
        }
    }
}
