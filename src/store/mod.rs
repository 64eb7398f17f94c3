//! State: one ordered key-value space behind one committer, and the spool of bodies beside it.
//!
//! Books keep records in tables ([`Table`]); flows gather the changes of several books in a [`Batch`] and
//! [`Store::commit`] it: all or nothing, durable on return, refused where somebody else was first. Bodies of mail
//! never enter the database; they lie in the [`spool`], and a batch that names one relies on it.
//!
//! ```text
//! books ── Batch ──▶ Store ── channel ──▶ committer ──▶ spool segments · journal · engine ── answer ──▶ flows
//!   ▲                                                                              │
//!   └───────────────────────────── reads, direct ──────────────────────────────────┘
//! ```
//! What it promises:
//! - Who got `Ok` finds everything again, bodies included, after a power cut.
//! - A read sees what was committed before it began.
//! - A database that breaks is made anew from export and journal, or the daemon does not start; it never starts
//!   empty in silence (`recovery.rs`).
//! - When the disk or the engine fails, everything stops at once and says why ([`Store::failed`]).

mod batch;
pub mod blobs;
mod checkpoint;
mod committer;
mod engine;
mod export;
mod journal;
mod memory;
mod private;
mod record;
mod recovery;
mod room;
pub mod schema;
mod sled;
pub mod spool;
mod state;
mod table;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::config::Storage;
use crate::store::checkpoint::Checkpoints;
use crate::store::committer::{Committer, GROUP_MAX, Request};
use crate::store::engine::Engine;
use crate::store::memory::MemoryEngine;
use crate::store::room::Room;
use crate::store::spool::{Shelf, Spool};
use crate::store::state::State;

pub use self::batch::Batch;
pub use self::table::{Key, Stored, Table};

/// Handle to the store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    state: Arc<State>,
    requests: mpsc::Sender<Request>,
    room: Arc<Room>,
}

/// Why a commit was not made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation did not hold: read again and decide anew.
    #[error("somebody else changed it first")]
    Conflict,
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// The store failed: temporary for the peer, fatal for the daemon.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// The system said no.
    #[error("a file of the store could not be used: {0}")]
    Io(#[from] io::Error),
    /// The database said no, or a part of the store is damaged.
    #[error("{0}")]
    Engine(String),
    /// Not what the table says.
    #[error("a record could not be read: {0}")]
    Record(String),
    /// Longer than any record may be.
    #[error("too large: {0}")]
    TooLarge(String),
    /// Bodies are not taken for now; records are.
    #[error("less space is free than `storage.reserve`")]
    Full,
    /// Closed, or failed before.
    #[error("the store has stopped")]
    Stopped,
    /// At start: somebody is using it.
    #[error("{} is in use by another Postern; stop it first, or give this one another `storage.directory`", .0.display())]
    Locked(PathBuf),
    /// At start: the database cannot be used nor be made anew. Nothing was changed.
    #[error(
        "the database {} cannot be used: {reason}. Restore `storage.directory` from a backup, or, to begin with \
         nothing, move all of it away",
        database.display()
    )]
    Lost {
        /// Where it lies.
        database: PathBuf,
        /// What is wrong with it, and why there is no other.
        reason: String,
    },
}

impl Store {
    /// sled in `storage.directory`, inside all its fences, under our own lock; and the spool beside it.
    ///
    /// # Errors
    /// [`StoreFault::Locked`], [`StoreFault::Lost`], or what the system says.
    pub fn open(storage: &Storage) -> Result<(Self, Spool), StoreFault> {
        let lock = recovery::lock(&storage.directory)?;
        let opened = recovery::open(storage)?;
        let checkpoints = Checkpoints::new(storage, opened.group)?;
        Self::start(storage, Box::new(opened.engine), opened.group, Some(checkpoints), lock)
    }

    /// The memory engine with a spool in `storage.directory`: for tests.
    ///
    /// # Errors
    /// [`StoreFault::Locked`], or what the system says.
    pub fn in_memory(storage: &Storage) -> Result<(Self, Spool), StoreFault> {
        let lock = recovery::lock(&storage.directory)?;
        Self::start(storage, Box::new(MemoryEngine::default()), 0, None, lock)
    }

    fn start(
        storage: &Storage,
        engine: Box<dyn Engine>,
        group: u64,
        checkpoints: Option<Checkpoints>,
        lock: File,
    ) -> Result<(Self, Spool), StoreFault> {
        let room = Arc::new(Room::new(storage.directory.clone(), storage.reserve));
        let shelf = Arc::new(Shelf::open(storage, Arc::clone(&room))?);
        // Whatever was made in it is there from now on.
        File::open(&storage.directory)?.sync_all()?;
        let state = Arc::new(State::new(engine, group));
        let (requests, received) = mpsc::channel(2 * GROUP_MAX);
        let committer = Committer {
            state: Arc::clone(&state),
            shelf: Arc::clone(&shelf),
            checkpoints,
            requests: received,
            lock,
        };
        thread::Builder::new().name("postern-store".to_owned()).spawn(move || committer.run())?;
        Ok((Self { state, requests, room }, Spool::new(shelf)))
    }

    /// Makes the changes. `Ok` means durable. Who stops waiting does not know; the changes are made or not, whole.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] where an expectation did not hold: nothing was changed. [`StoreFault::Full`]
    /// where the batch relies on bodies and there is no room. Any other: the store is at its end, and whether the
    /// changes were made only the next start can tell.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        if !batch.bodies.is_empty() && !self.room.is_left() {
            return Err(StoreFault::Full.into());
        }
        let (answer, answered) = oneshot::channel();
        let request = Request::Commit(batch, answer);
        self.requests.send(request).await.map_err(|_| StoreFault::Stopped)?;
        answered.await.unwrap_or_else(|_| Err(StoreFault::Stopped.into()))
    }

    /// Ends (with the reason) when the store has failed for good: the daemon must stop accepting and exit.
    pub async fn failed(&self) -> String {
        self.state.failed().await
    }

    /// Waits for what was handed in, exports if due, closes. Later commits answer `Stopped`.
    pub async fn close(&self) {
        // Where the committer has ended already there is nothing to ask it for.
        let _ = self.requests.send(Request::Close).await;
        self.state.wait_until_shut().await;
    }

    /// Reads from the engine.
    fn read<T>(&self, work: impl FnOnce(&dyn Engine) -> Result<T, StoreFault>) -> Result<T, StoreFault> {
        self.state.with(work)
    }
}

#[cfg(test)]
mod tests;
