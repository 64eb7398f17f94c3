//! Files from guests to staff.
//!
//! ```text
//! begin ─▶ add, append … append (each resumable), or take ─▶ hand over ─▶ (scanner) ─▶ delivered ─▶ open, zip, delete
//! ```
//! What it promises:
//! - An offset that was told is on disk. An upload that breaks off keeps what has arrived, whatever broke it off.
//! - A package is seen by its recipients whole or not at all; what makes it seen, and the notices that tell of it, are
//!   one commit. With a scanner, nothing is seen before the scanner has called it clean.
//! - What was begun is done, also where whoever asked goes away meanwhile: no octets stay behind that no record names.
//! - Memory does not grow with a file, in either direction.
//! - Each verb takes who asks. What is somebody else's is answered as what was never there.
//! - Every limit is a setting (`[dropoff]`), and is told in words with the figure in it.

mod adding;
mod archive;
mod collect;
mod deposit;
mod desk;
mod fault;
mod handover;
mod judging;
mod oversight;
mod rounds;
mod scan;
#[cfg(test)]
mod tests;
mod upload;

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::accounts::{Account, Accounts};
use crate::base::address::{Address, Domain};
use crate::base::clock::Clock;
use crate::base::id::{AccountId, PackageId};
use crate::config;
use crate::invites::Invites;
use crate::net::lifecycle::Lifecycle;
use crate::notices::{NoticeFault, Notices};
use crate::packages::{Packages, Parcel};
use crate::queue::{Admission, Queue};
use crate::store::blobs::Blobs;
use crate::store::{Batch, CommitError, Store, StoreFault};

pub use self::archive::Archive;
pub use self::collect::{CollectFault, Download};
pub use self::deposit::Draft;
pub use self::fault::DepositFault;
pub use self::oversight::Stock;

use self::desk::Desk;
use self::scan::Clamd;

/// How often a change is decided anew because somebody else was first. Those of one guest wait for each other
/// ([`Desk::turn`]), so that few rounds are needed.
const ROUNDS_MAX: usize = 16;

/// The flow of files. Cheap to clone.
#[derive(Clone)]
pub struct Dropoff {
    parts: Arc<Parts>,
    rules: Arc<Rules>,
    desk: Arc<Desk>,
    scanner: Option<Clamd>,
}

/// What it stands on.
pub struct Parts {
    /// Where all is committed.
    pub store: Store,
    /// Whether a guest is still there.
    pub accounts: Accounts,
    /// The book of packages.
    pub packages: Packages,
    /// Where the octets lie.
    pub blobs: Blobs,
    /// In whose threads notices hang.
    pub invites: Invites,
    /// Writes the notices.
    pub notices: Notices,
    /// Takes them.
    pub queue: Queue,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Uploads end with it, noting what has arrived.
    pub lifecycle: Lifecycle,
}

/// What the configuration has to say about it.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `[dropoff]`.
    pub dropoff: config::Dropoff,
    /// The domains whose addresses are staff.
    pub domains: Vec<Domain>,
    /// Characters of a subject (`limits.subject_characters`).
    pub subject_characters: usize,
}

impl Rules {
    /// The rules of these settings.
    #[must_use]
    pub fn new(
        dropoff: &config::Dropoff,
        organisation: &config::Organisation,
        limits: &config::Limits,
    ) -> Self {
        Self {
            dropoff: dropoff.clone(),
            domains: organisation.domains.clone(),
            subject_characters: limits.subject_characters,
        }
    }
}

impl Dropoff {
    /// The flow over these parts. Blobs that no record names are swept away.
    ///
    /// # Errors
    /// Where the store or the blobs cannot be read.
    pub fn open(parts: Parts, rules: Rules) -> Result<Self, StoreFault> {
        let mut living = HashSet::new();
        parts.packages.blobs(&mut |blob| {
            living.insert(blob);
        })?;
        let swept = parts.blobs.sweep(&living)?;
        if swept > 0 {
            tracing::info!(swept, "files of uploads that nobody remembers were removed");
        }
        let scanner =
            rules.dropoff.scanner.clone().map(|scanner| Clamd::new(scanner, rules.dropoff.scan_time));
        let desk = Arc::new(Desk::default());
        Ok(Self { parts: Arc::new(parts), rules: Arc::new(rules), desk, scanner })
    }

    /// The limits, to be told before somebody begins.
    #[must_use]
    pub fn limits(&self) -> &config::Dropoff {
        &self.rules.dropoff
    }

    /// Whether an address is one of the organisation's.
    fn is_ours(&self, address: &Address) -> bool {
        self.rules.domains.contains(address.domain())
    }

    /// A package of this guest's.
    fn of_guest(&self, guest: AccountId, id: PackageId) -> Result<Option<Parcel>, StoreFault> {
        let parcel = self.parts.packages.parcel(id)?;
        Ok(parcel.filter(|parcel| parcel.package.value.guest == guest))
    }

    /// A package that was delivered to this person.
    fn of_staff(&self, staff: &Account, id: PackageId) -> Result<Option<Parcel>, StoreFault> {
        let parcel = self.parts.packages.parcel(id)?;
        Ok(parcel.filter(|parcel| {
            let package = &parcel.package.value;
            package.is_delivered() && package.recipient_among(staff.addresses()).is_some()
        }))
    }

    /// Commits, and does what follows from it. Both happen even if whoever asked goes away in between, as a browser does
    /// that closes its connection: else octets that no record names any more would lie there until the next start.
    /// False where somebody else was first.
    async fn commit_and(
        &self,
        batch: Batch,
        notices: Vec<Admission>,
        then: impl FnOnce(&Self) + Send + 'static,
    ) -> Result<bool, StoreFault> {
        let flow = self.clone();
        self.apart("change of files", async move {
            match flow.parts.queue.commit(batch, notices).await {
                Ok(()) => {
                    then(&flow);
                    Ok(true)
                }
                Err(CommitError::Conflict) => Ok(false),
                Err(CommitError::Store(fault)) => Err(fault),
            }
        })
        .await
    }

    /// Runs to its end, whoever stops waiting for it; what it gives is dropped then.
    async fn apart<T, E>(
        &self,
        label: &'static str,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreFault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.parts.lifecycle.spawn(label, async move {
            // Who has gone needs no answer.
            let _ = answer.send(work.await);
        });
        answered.await.unwrap_or_else(|_| Err(StoreFault::Stopped.into()))
    }

    /// Commits what nothing follows from; false where somebody else was first.
    async fn commit(&self, batch: Batch) -> Result<bool, StoreFault> {
        match self.parts.store.commit(batch).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(CommitError::Store(fault)) => Err(fault),
        }
    }
}

/// Others were first, again and again.
fn too_often() -> StoreFault {
    StoreFault::Record("a package changes faster than it can be changed".to_owned())
}

/// A notice that cannot be written is noted in the log; what it tells of does not happen.
fn unwritten(fault: NoticeFault) -> StoreFault {
    match fault {
        NoticeFault::Store(fault) => fault,
        NoticeFault::Keep(fault) => StoreFault::Io(fault),
        NoticeFault::Render(_) | NoticeFault::Sign(_) => {
            tracing::error!(fault = &fault as &dyn Error, "writing a notice failed");
            StoreFault::Record("a notice could not be written".to_owned())
        }
    }
}
