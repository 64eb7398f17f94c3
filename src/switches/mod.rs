//! Switches: the few settings that an administrator changes while the service runs.
//!
//! How each stands at first is said in the file. What is set here is kept, wins over the file, and holds from the commit
//! on for whoever asks next, until it is [given back](Switchboard::give_back): then the file decides again. Each change is
//! in the audit log with who made it.
//!
//! Values are written as in the file (`14 days`, `asked`). One that the file's bounds do not allow any more holds no
//! longer: the file decides, and the journal says so at the start.

mod value;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::audit::Hand;
use crate::audit::switched::{self, Switched};
use crate::base::address::Address;
use crate::base::clock::{Clock, Lifespan, Timestamp};
use crate::config::{self, Receipts};
use crate::store::schema;
use crate::store::{Batch, CommitError, Store, StoreFault, Table};

pub use self::value::ValueFault;

/// What was set, by the switch's key.
const SWITCHES: Table<String, Set> = Table::new(schema::SWITCHES);
/// Records that are read at most. There may be some of another version's switches, which are left alone.
const RECORDS_MAX: usize = 64;

/// One of the switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    /// Whether anybody can invite.
    Invitations,
    /// How long a link is valid.
    Lifespan,
    /// Who gets a receipt by mail.
    Receipts,
    /// Whether a second mail proves a guest's address.
    VerifyEmail,
}

/// How all of them stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Whether anybody can invite.
    pub invitations: bool,
    /// How long a link is valid.
    pub lifespan: Lifespan,
    /// Who gets a receipt by mail.
    pub receipts: Receipts,
    /// Whether a second mail proves a guest's address.
    pub verify_email: bool,
}

/// What was set in place of what the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// As the file would have it.
    pub value: String,
    /// The administrator; `None` is the command line.
    pub by: Option<Address>,
    /// When.
    pub at: Timestamp,
}

/// One switch, for an administrator to look at. Values are written as in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub switch: Switch,
    /// What holds.
    pub value: String,
    /// What the file says.
    pub file: String,
    /// What was set, if anything was.
    pub set: Option<Set>,
}

/// Why a switch was not changed, in words for the administrator.
#[derive(Debug, Error)]
pub enum SwitchFault {
    /// There is no such switch.
    #[error("there is no switch {0}; `postern switch list` shows all")]
    Unknown(String),
    /// It cannot have this value.
    #[error(transparent)]
    Value(#[from] ValueFault),
    /// The store.
    #[error("the change could not be written: {0}")]
    Commit(#[from] CommitError),
}

/// The switches as they stand. Cheap to clone; all clones show the same.
#[derive(Clone)]
pub struct Switchboard {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    file: Switches,
    lifespans: RangeInclusive<Lifespan>,
    board: ArcSwap<Board>,
    /// One change at a time, so that what is shown last was also written last.
    turn: Arc<Mutex<()>>,
}

/// What holds, and what was set.
#[derive(Clone, Debug)]
struct Board {
    switches: Switches,
    set: BTreeMap<Switch, Set>,
}

impl Switch {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Invitations, Self::Lifespan, Self::Receipts, Self::VerifyEmail];

    /// Its key in the file, which is its name.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Invitations => "invite.enabled",
            Self::Lifespan => "invite.lifespan",
            Self::Receipts => "invite.receipt",
            Self::VerifyEmail => "registration.verify_email",
        }
    }

    /// The switch of this key.
    ///
    /// # Errors
    /// [`SwitchFault::Unknown`].
    pub fn of(key: &str) -> Result<Self, SwitchFault> {
        let found = Self::ALL.into_iter().find(|switch| switch.key() == key);
        found.ok_or_else(|| SwitchFault::Unknown(key.to_owned()))
    }
}

impl Switchboard {
    /// The switches over the file's word.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        invite: &config::Invite,
        registration: &config::Registration,
    ) -> Result<Self, StoreFault> {
        let file = Switches {
            invitations: invite.enabled,
            lifespan: invite.lifespan,
            receipts: invite.receipt,
            verify_email: registration.verify_email,
        };
        let lifespans = invite.lifespan_min..=invite.lifespan_max;
        let mut board = Board { switches: file, set: BTreeMap::new() };
        for (key, set) in SWITCHES.scan(&store, None, RECORDS_MAX)? {
            let Ok(switch) = Switch::of(&key) else { continue };
            match board.switches.with(switch, &set.value.value, &lifespans) {
                Ok(switches) => {
                    board.switches = switches;
                    board.set.insert(switch, set.value);
                }
                Err(fault) => {
                    tracing::warn!(key, %fault, "what was set for this switch cannot hold; the file decides");
                }
            }
        }
        let (board, turn) = (ArcSwap::from_pointee(board), Arc::default());
        Ok(Self { inner: Arc::new(Inner { store, clock, file, lifespans, board, turn }) })
    }

    /// How they stand now.
    #[must_use]
    pub fn now(&self) -> Switches {
        self.inner.board.load().switches
    }

    /// How long a link may be valid: `invite.lifespan_min` to `invite.lifespan_max`.
    #[must_use]
    pub fn lifespans(&self) -> &RangeInclusive<Lifespan> {
        &self.inner.lifespans
    }

    /// All of them, to look at.
    #[must_use]
    pub fn list(&self) -> Vec<Standing> {
        let board = self.inner.board.load();
        let standing = |switch| Standing {
            switch,
            value: board.switches.value(switch),
            file: self.inner.file.value(switch),
            set: board.set.get(&switch).cloned(),
        };
        Switch::ALL.map(standing).to_vec()
    }

    /// Sets one, whatever the file says; `value` is written as there.
    ///
    /// # Errors
    /// [`SwitchFault`]; then nothing has changed.
    pub async fn set(&self, switch: Switch, value: &str, hand: Hand<'_>) -> Result<(), SwitchFault> {
        let turn = Arc::clone(&self.inner.turn).lock_owned().await;
        let before = Board::clone(&self.inner.board.load());
        let switches = before.switches.with(switch, value, &self.inner.lifespans)?;
        let set = Set { value: switches.value(switch), by: hand.by.cloned(), at: self.inner.clock.now() };
        let mut batch = Batch::new();
        SWITCHES.put(&mut batch, &switch.key().to_owned(), &set).map_err(CommitError::from)?;
        let mut after = Board { switches, ..before.clone() };
        after.set.insert(switch, set);
        self.change(turn, batch, switch, &before, after, hand).await
    }

    /// Takes back what was set: the file decides again. Where nothing was, nothing changes.
    ///
    /// # Errors
    /// [`SwitchFault::Commit`]; then nothing has changed.
    pub async fn give_back(&self, switch: Switch, hand: Hand<'_>) -> Result<(), SwitchFault> {
        let turn = Arc::clone(&self.inner.turn).lock_owned().await;
        let before = Board::clone(&self.inner.board.load());
        let mut after = before.clone();
        if after.set.remove(&switch).is_none() {
            return Ok(());
        }
        after.switches =
            before.switches.with(switch, &self.inner.file.value(switch), &self.inner.lifespans)?;
        let mut batch = Batch::new();
        SWITCHES.delete(&mut batch, &switch.key().to_owned());
        self.change(turn, batch, switch, &before, after, hand).await
    }

    /// Writes it, notes it, and lets it hold: all of that even if whoever asked goes away.
    async fn change(
        &self,
        turn: OwnedMutexGuard<()>,
        batch: Batch,
        switch: Switch,
        before: &Board,
        after: Board,
        hand: Hand<'_>,
    ) -> Result<(), SwitchFault> {
        let inner = Arc::clone(&self.inner);
        let (was, by, peer) = (before.switches.value(switch), hand.by.cloned(), hand.peer);
        let changed = tokio::spawn(async move {
            let _turn = turn;
            inner.store.commit(batch).await?;
            switched::record(&Switched {
                key: switch.key(),
                before: &was,
                after: &after.switches.value(switch),
                is_set: after.set.contains_key(&switch),
                hand: Hand { by: by.as_ref(), peer },
            });
            inner.board.store(Arc::new(after));
            Ok(())
        });
        changed.await.unwrap_or_else(|_| Err(CommitError::from(StoreFault::Stopped).into()))
    }
}

#[cfg(test)]
mod tests;
