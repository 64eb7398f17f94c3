//! Who is at work on which upload. In memory only: after a restart nobody is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use crate::base::id::AccountId;
use crate::dropoff::judging::Tries;
use crate::packages::FileRef;
use crate::store::blobs::Digesting;

/// Guests whose changes wait for each other, as few as this: it costs them milliseconds.
const LANES: usize = 64;
/// How long one who is told to go may take: a sync and a commit.
const HANDOVER_TIME: Duration = Duration::from_secs(10);

/// What is under way.
pub(super) struct Desk {
    uploads: Mutex<Uploads>,
    /// Somebody has gone.
    freed: Notify,
    lanes: [Arc<tokio::sync::Mutex<()>>; LANES],
    /// Something waits for the scanner.
    pub(super) handed_over: Notify,
    /// Where the scanner has failed.
    pub(super) tries: Tries,
    /// Notices that carry files are made one by one.
    pub(super) attaching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Uploads {
    /// Who is writing, by what they are told to go.
    busy: HashMap<FileRef, CancellationToken>,
    /// The digests of unfinished files as far as they have come. At most `dropoff.guest_uploads` of each guest.
    digests: HashMap<FileRef, Digesting>,
}

/// The right to write a file, until it is dropped.
pub(super) struct Seat {
    desk: Arc<Desk>,
    file: FileRef,
    go: CancellationToken,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            uploads: Mutex::default(),
            freed: Notify::new(),
            lanes: std::array::from_fn(|_| Arc::default()),
            handed_over: Notify::new(),
            tries: Tries::default(),
            attaching: tokio::sync::Mutex::new(()),
        }
    }
}

impl Desk {
    /// A turn to change what is this guest's, so that changes wait here and do not find each other in a conflict.
    pub(super) async fn turn(&self, guest: AccountId) -> Option<OwnedMutexGuard<()>> {
        let lane =
            guest.octets().iter().fold(0_usize, |sum, octet| sum.wrapping_mul(31) + usize::from(*octet));
        Some(Arc::clone(self.lanes.get(lane % LANES)?).lock_owned().await)
    }

    /// The seat of a file. Whoever sits there, most likely on a connection that is dead and does not know it yet, is
    /// told to go. `None` where they do not.
    pub(super) async fn seat(self: &Arc<Self>, file: FileRef) -> Option<Seat> {
        let seated = async {
            loop {
                // Listen first, look second: who goes between the two is not missed.
                let freed = self.freed.notified();
                tokio::pin!(freed);
                freed.as_mut().enable();
                if let Some(seat) = self.try_seat(file) {
                    return seat;
                }
                freed.await;
            }
        };
        tokio::time::timeout(HANDOVER_TIME, seated).await.ok()
    }

    fn try_seat(self: &Arc<Self>, file: FileRef) -> Option<Seat> {
        match self.uploads().busy.entry(file) {
            Entry::Occupied(taken) => {
                taken.get().cancel();
                None
            }
            Entry::Vacant(free) => {
                let go = free.insert(CancellationToken::new()).clone();
                Some(Seat { desk: Arc::clone(self), file, go })
            }
        }
    }

    /// The file is whole or gone: nothing more is known of it here, and who writes it is told to go.
    pub(super) fn clear(&self, file: FileRef) {
        let mut uploads = self.uploads();
        uploads.digests.remove(&file);
        if let Some(busy) = uploads.busy.get(&file) {
            busy.cancel();
        }
    }

    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Ends when somebody else wants the seat, or the file is gone.
    pub(super) async fn told_to_go(&self) {
        self.go.cancelled().await;
    }

    /// The digest as far as it has come.
    pub(super) fn digesting(&self) -> Option<Digesting> {
        self.desk.uploads().digests.get(&self.file).cloned()
    }

    /// Keeps it for whoever sits here next.
    pub(super) fn keep(&self, digesting: Option<Digesting>) {
        let mut uploads = self.desk.uploads();
        match digesting {
            Some(digesting) => uploads.digests.insert(self.file, digesting),
            None => uploads.digests.remove(&self.file),
        };
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.uploads().busy.remove(&self.file);
        self.desk.freed.notify_waiters();
    }
}
