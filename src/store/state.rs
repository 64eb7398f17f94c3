//! What the handles, the committer and an export share: the engine while it is open, and how the store fares.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

use crate::store::StoreFault;
use crate::store::engine::{Engine, Write};
use crate::store::export::{self, STRIDE};

/// The engine behind its door.
pub struct State {
    engine: RwLock<Option<Box<dyn Engine>>>,
    /// The last group that is in the engine, durably.
    group: AtomicU64,
    /// The last group of which readers may see something.
    begun: AtomicU64,
    fate: watch::Sender<Fate>,
    is_shut: watch::Sender<bool>,
}

/// How the store fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It works.
    Running,
    /// It was closed.
    Closed,
    /// It broke, for this reason.
    Failed(String),
}

impl State {
    pub fn new(engine: Box<dyn Engine>, group: u64) -> Self {
        Self {
            engine: RwLock::new(Some(engine)),
            group: AtomicU64::new(group),
            begun: AtomicU64::new(group),
            fate: watch::Sender::new(Fate::Running),
            is_shut: watch::Sender::new(false),
        }
    }

    /// Uses the engine. Whatever it says of itself that is not good ends the store.
    ///
    /// # Errors
    /// [`StoreFault::Stopped`] after the end; what `work` says.
    pub fn with<T>(&self, work: impl FnOnce(&dyn Engine) -> Result<T, StoreFault>) -> Result<T, StoreFault> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let done = work(engine.as_deref().ok_or(StoreFault::Stopped)?);
        if let Err(fault @ (StoreFault::Engine(_) | StoreFault::Io(_))) = &done {
            self.end(Fate::Failed(fault.to_string()));
        }
        done
    }

    /// The last group that is in the engine, durably.
    pub fn group(&self) -> u64 {
        self.group.load(Ordering::Acquire)
    }

    /// Writes a group that the journal has.
    ///
    /// # Errors
    /// As [`State::with`].
    pub fn write(&self, group: u64, writes: Vec<Write>) -> Result<(), StoreFault> {
        self.begun.store(group, Ordering::Release);
        self.with(|engine| {
            engine.write(writes)?;
            engine.sync()
        })?;
        self.group.store(group, Ordering::Release);
        Ok(())
    }

    /// Exports all cells; every group up to `group` has been written. Gives their number.
    ///
    /// # Errors
    /// What the engine or the system says.
    pub fn export(&self, directory: &Path, group: u64) -> Result<u64, StoreFault> {
        export::write(
            directory,
            group,
            || self.begun.load(Ordering::Acquire),
            |after| self.with(|engine| engine.scan(&[], after, STRIDE)),
        )
    }

    /// The store has ended; the first reason stays, and is told.
    pub fn end(&self, fate: Fate) {
        self.fate.send_if_modified(|now| {
            let is_first = *now == Fate::Running;
            if is_first {
                if let Fate::Failed(reason) = &fate {
                    tracing::error!(reason, "the store has failed");
                }
                *now = fate;
            }
            is_first
        });
    }

    /// Lets go of the engine and its files, then of the directory.
    pub fn shut(&self, lock: File) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = None;
        drop(lock);
        self.is_shut.send_replace(true);
    }

    /// Ends when everything has been let go of.
    pub async fn wait_until_shut(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.is_shut.subscribe().wait_for(|is_shut| *is_shut).await;
    }

    pub fn is_running(&self) -> bool {
        *self.fate.borrow() == Fate::Running
    }

    /// Ends when the store has failed, with the reason.
    pub async fn failed(&self) -> String {
        let mut fate = self.fate.subscribe();
        loop {
            if let Fate::Failed(reason) = &*fate.borrow_and_update() {
                return reason.clone();
            }
            // The sender is ours: it cannot be gone.
            let _ = fate.changed().await;
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("group", &self.group())
            .field("fate", &*self.fate.borrow())
            .finish_non_exhaustive()
    }
}
