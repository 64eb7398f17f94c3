//! Export and journal, kept in step: what the journal holds and the export has by now is forgotten.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::config::Storage;
use crate::store::StoreFault;
use crate::store::engine::Write;
use crate::store::journal::{self, Journal};
use crate::store::recovery::Layout;
use crate::store::state::State;

/// The second copy of a durable store.
#[derive(Debug)]
pub struct Checkpoints {
    journal: Journal,
    export_directory: PathBuf,
    journal_directory: PathBuf,
    export_every: Duration,
    journal_max: u64,
    last: Instant,
    running: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Goes on behind `group`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(storage: &Storage, group: u64) -> io::Result<Self> {
        let layout = Layout::new(&storage.directory);
        Ok(Self {
            journal: Journal::begin(&layout.journal, group + 1)?,
            export_directory: layout.export,
            journal_directory: layout.journal,
            export_every: storage.export_every,
            journal_max: storage.journal_max,
            last: Instant::now(),
            running: None,
        })
    }

    /// Notes a group, durably, before it goes to the engine.
    ///
    /// # Errors
    /// What the system says; nothing may be committed any more.
    pub fn note(&mut self, group: u64, writes: &[Write]) -> io::Result<()> {
        self.journal.append(group, writes)
    }

    /// Begins an export, on a thread of its own, if it is time for one or the journal has grown long. `group` is
    /// the last that the engine has.
    ///
    /// # Errors
    /// What the system says of the journal; nothing may be committed any more.
    pub fn export_if_due(&mut self, state: &Arc<State>, group: u64) -> io::Result<()> {
        let is_due = self.last.elapsed() >= self.export_every || self.journal.len() >= self.journal_max;
        let is_running = self.running.as_ref().is_some_and(|running| !running.is_finished());
        if !is_due || is_running {
            return Ok(());
        }
        self.last = Instant::now();
        self.journal.turn_over(group + 1)?;
        let (export, journal) = (self.export_directory.clone(), self.journal_directory.clone());
        let state = Arc::clone(state);
        let work = move || {
            let exported = state
                .export(&export, group)
                .and_then(|cells| journal::forget(&journal, group).map(|()| cells).map_err(StoreFault::from));
            match exported {
                Ok(cells) => tracing::info!(cells, group, "exported the state"),
                // The journal keeps what the export before has not: nothing is in danger.
                Err(fault) => tracing::error!(%fault, "the state could not be exported"),
            }
        };
        match thread::Builder::new().name("postern-export".to_owned()).spawn(work) {
            Ok(running) => self.running = Some(running),
            Err(error) => tracing::error!(%error, "an export could not begin"),
        }
        Ok(())
    }

    /// Waits for an export that is running.
    pub fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            // A panic has been told on standard error; the journal keeps what the export has not.
            let _ = running.join();
        }
    }
}
