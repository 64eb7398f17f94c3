//! The one writer. It takes what has gathered, makes it durable with one sync for all, and answers everybody.
//!
//! A group goes through in this order, so that a crash between two steps leaves nothing acknowledged undone, and
//! nothing named that is not there:
//! 1. what each batch expects is checked; a batch that does not hold is answered and left out;
//! 2. small bodies are written to their segments and synced;
//! 3. the group is appended to the journal and synced;
//! 4. the engine writes it, all or nothing, and syncs;
//! 5. all are answered.
//!
//! Any failure from 2 on ends the store: what is on disk is then known only to the next start.

use std::collections::HashMap;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::store::batch::{Batch, Change, Expectation};
use crate::store::checkpoint::Checkpoints;
use crate::store::engine::{Engine, Write};
use crate::store::record::{self, Standing};
use crate::store::spool::{Body, Shelf};
use crate::store::state::{Fate, State};
use crate::store::{CommitError, StoreFault, recovery, sled};

/// Batches in one group.
pub const GROUP_MAX: usize = 256;
/// Octets of records that are enough for one group.
const GROUP_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// What the handles ask of the committer.
pub enum Request {
    Commit(Batch, oneshot::Sender<Result<(), CommitError>>),
    /// Nothing more will come; what has come is done first.
    Close,
}

/// The committer, before it runs.
pub struct Committer {
    pub state: Arc<State>,
    pub shelf: Arc<Shelf>,
    /// `None` where the engine forgets.
    pub checkpoints: Option<Checkpoints>,
    pub requests: mpsc::Receiver<Request>,
    /// On the directory; given back when all is closed.
    pub lock: File,
}

/// Batches that go through together.
struct Group {
    number: u64,
    writes: Vec<Write>,
    octets: usize,
    bodies: Vec<Body>,
    /// Records that an earlier batch of this group has changed, as they stand now. Nobody can have read them yet.
    changed: HashMap<Vec<u8>, Option<Standing>>,
    answers: Vec<oneshot::Sender<Result<(), CommitError>>>,
}

impl Committer {
    /// Works until the store is closed, all handles are gone, or something fails.
    pub fn run(mut self) {
        let worked = panic::catch_unwind(AssertUnwindSafe(|| self.work()));
        let failure = match worked {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault.to_string()),
            Err(panic) => Some(format!("the committer panicked: {}", sled::panic_text(&*panic))),
        };
        self.requests.close();
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.finish();
        }
        self.shelf.wait_for_removals();
        match failure {
            Some(reason) => self.state.end(Fate::Failed(reason)),
            None => self.state.end(Fate::Closed),
        }
        self.state.shut(self.lock);
    }

    fn work(&mut self) -> Result<(), StoreFault> {
        while let Some(request) = self.requests.blocking_recv() {
            if !self.state.is_running() {
                break; // a reader found the engine broken
            }
            self.commit_group(request)?;
            if let Some(checkpoints) = &mut self.checkpoints {
                checkpoints.export_if_due(&self.state, self.state.group())?;
            }
        }
        Ok(())
    }

    /// Takes `first` and what waits behind it through all the steps.
    fn commit_group(&mut self, first: Request) -> Result<(), StoreFault> {
        let mut group = Group::new(self.state.group() + 1);
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(request) = next {
            match request {
                Request::Commit(batch, answer) => {
                    self.state.with(|engine| group.take(engine, batch, answer))?;
                }
                Request::Close => self.requests.close(),
            }
            taken += 1;
            let has_room = taken < GROUP_MAX && group.octets < GROUP_OCTETS_MAX;
            next = has_room.then(|| self.requests.try_recv().ok()).flatten();
        }
        if group.answers.is_empty() {
            return Ok(());
        }
        let done = self.make_durable(&mut group);
        for answer in group.answers {
            let _ = answer.send(match &done {
                Ok(()) => Ok(()),
                Err(fault) => Err(StoreFault::Engine(fault.to_string()).into()),
            });
        }
        done
    }

    fn make_durable(&mut self, group: &mut Group) -> Result<(), StoreFault> {
        let mut writes = std::mem::take(&mut group.writes);
        writes.push(recovery::group_note(group.number));
        self.shelf.store(&group.bodies)?;
        // Once it is in the journal, the next start may find it done, whatever happens here.
        group.bodies.iter().for_each(Body::keep);
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.note(group.number, &writes)?;
        }
        self.state.write(group.number, writes)
    }
}

impl Group {
    fn new(number: u64) -> Self {
        Self {
            number,
            writes: Vec::new(),
            octets: 0,
            bodies: Vec::new(),
            changed: HashMap::new(),
            answers: Vec::new(),
        }
    }

    /// Takes a batch in, or answers that it does not hold.
    fn take(
        &mut self,
        engine: &dyn Engine,
        batch: Batch,
        answer: oneshot::Sender<Result<(), CommitError>>,
    ) -> Result<(), StoreFault> {
        let mut before = Vec::with_capacity(batch.changes.len());
        for change in &batch.changes {
            let standing = self.standing(engine, &change.key)?;
            let holds = match change.expects {
                Expectation::Anything => true,
                Expectation::Nothing => standing.is_none(),
                Expectation::Version(version) => standing.is_some_and(|now| now.version == version),
            };
            if !holds {
                // Who does not wait any more does not want to know; so for every answer.
                let _ = answer.send(Err(CommitError::Conflict));
                return Ok(());
            }
            before.push(standing);
        }
        for (change, standing) in batch.changes.into_iter().zip(before) {
            self.write(change, standing)?;
        }
        self.bodies.extend(batch.bodies);
        self.answers.push(answer);
        Ok(())
    }

    /// How a record stands after the batches so far.
    fn standing(&self, engine: &dyn Engine, key: &[u8]) -> Result<Option<Standing>, StoreFault> {
        match self.changed.get(key) {
            Some(now) => Ok(*now),
            None => record::standing(engine, key),
        }
    }

    fn write(&mut self, change: Change, before: Option<Standing>) -> Result<(), StoreFault> {
        let Change { key, draft, .. } = change;
        // The same batch may have changed it already.
        let before = self.changed.get(&key).copied().unwrap_or(before);
        self.octets += key.len() + draft.as_ref().map_or(0, Vec::len);
        let now = match draft {
            Some(draft) => Some(record::write(&key, self.number, draft, before, &mut self.writes)?),
            None => record::remove(&key, before, &mut self.writes),
        };
        self.changed.insert(key, now);
        Ok(())
    }
}
