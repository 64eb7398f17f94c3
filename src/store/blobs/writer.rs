//! A blob that grows.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::store::blobs::{Digesting, PIECE};

/// Writes behind what a blob has. One piece is on its way to the disk while the next one fills.
pub struct Writer {
    file: Arc<File>,
    /// Octets that are written, or on their way.
    len: u64,
    buffer: Vec<u8>,
    state: State,
}

/// Who has the other buffer, and the digest with it.
enum State {
    /// We do.
    Ready(Vec<u8>, Option<Digesting>),
    /// The thread that writes it.
    Writing(JoinHandle<io::Result<(Vec<u8>, Option<Digesting>)>>),
    /// Nobody: what was to be written is not there.
    Broken,
}

impl Writer {
    pub(super) fn new(file: File, len: u64, digesting: Option<Digesting>) -> Self {
        let state = State::Ready(Vec::with_capacity(PIECE), digesting);
        Self { file: Arc::new(file), len, buffer: Vec::with_capacity(PIECE), state }
    }

    /// Octets of the blob, with those that are not yet on disk.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len + self.buffer.len() as u64
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// What the system says. Then only what the last [`Writer::sync`] said is there.
    pub async fn write(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            let free = PIECE.saturating_sub(self.buffer.len());
            let (now, later) = octets.split_at(free.min(octets.len()));
            self.buffer.extend_from_slice(now);
            octets = later;
            if self.buffer.len() >= PIECE {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Ends when everything is durable. Gives how much that is, and the digest as far as that, if it is known.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub async fn sync(&mut self) -> io::Result<(u64, Option<Digesting>)> {
        self.send().await?;
        let (buffer, digesting) = self.written().await?;
        self.state = State::Ready(buffer, digesting.clone());
        let file = Arc::clone(&self.file);
        if let Err(fault) = spawn_blocking(move || file.sync_data()).await? {
            // After a failed sync nobody knows what is there.
            self.state = State::Broken;
            return Err(fault);
        }
        Ok((self.len, digesting))
    }

    /// Sends the buffer to the disk and goes on with the other.
    async fn send(&mut self) -> io::Result<()> {
        let (other, digesting) = self.written().await?;
        let full = std::mem::replace(&mut self.buffer, other);
        let (file, offset) = (Arc::clone(&self.file), self.len);
        self.len += full.len() as u64;
        self.state = State::Writing(spawn_blocking(move || write(&file, offset, full, digesting)));
        Ok(())
    }

    /// Ends when nothing is on its way. The state is [`State::Broken`] until the caller says otherwise.
    async fn written(&mut self) -> io::Result<(Vec<u8>, Option<Digesting>)> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Ready(buffer, digesting) => Ok((buffer, digesting)),
            State::Writing(writing) => writing.await?,
            State::Broken => Err(io::Error::other("a part of this file could not be written")),
        }
    }
}

fn write(
    file: &File,
    offset: u64,
    mut octets: Vec<u8>,
    digesting: Option<Digesting>,
) -> io::Result<(Vec<u8>, Option<Digesting>)> {
    file.write_all_at(&octets, offset)?;
    let digesting = digesting.map(|mut digesting| {
        digesting.update(&octets);
        digesting
    });
    octets.clear();
    Ok((octets, digesting))
}
