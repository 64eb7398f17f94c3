//! Where chunks with checksums are held until they are known to be right: few places, one for each guest.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::id::AccountId;

/// Chunks that are held at once.
const PLACES: usize = 8;
/// Longer than most chunks take, shorter than a program waits for an answer.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// All places.
pub(super) struct Benches {
    /// How long one waits for a place.
    wait: Duration,
    taken: Mutex<HashSet<AccountId>>,
    /// Somebody has risen.
    freed: Notify,
}

/// A place, until it is dropped.
pub(super) struct Bench {
    benches: Arc<Benches>,
    guest: AccountId,
}

impl Benches {
    /// A place for a chunk of this guest's; `None` where none is free in time.
    pub(super) async fn sit(self: &Arc<Self>, guest: AccountId) -> Option<Bench> {
        let seated = async {
            loop {
                // Listen first, look second: who rises between the two is not missed.
                let freed = self.freed.notified();
                tokio::pin!(freed);
                freed.as_mut().enable();
                if let Some(bench) = self.try_sit(guest) {
                    return bench;
                }
                freed.await;
            }
        };
        tokio::time::timeout(self.wait, seated).await.ok()
    }

    fn try_sit(self: &Arc<Self>, guest: AccountId) -> Option<Bench> {
        let mut taken = self.taken();
        let is_free = taken.len() < PLACES && taken.insert(guest);
        is_free.then(|| Bench { benches: Arc::clone(self), guest })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<AccountId>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Benches {
    fn default() -> Self {
        Self { wait: WAIT_MAX, taken: Mutex::default(), freed: Notify::new() }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.benches.taken().remove(&self.guest);
        self.benches.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_guest_has_one_place_and_nobody_waits_for_ever() {
        let (benches, kim) =
            (Arc::new(Benches { wait: Duration::from_millis(10), ..Benches::default() }), AccountId::fresh());
        let bench = benches.sit(kim).await.unwrap();
        assert!(benches.sit(kim).await.is_none());
        let mut others = Vec::new();
        for _ in 1..PLACES {
            others.push(benches.sit(AccountId::fresh()).await.unwrap());
        }
        let lee = AccountId::fresh();
        assert!(benches.sit(lee).await.is_none());
        let (sat, ()) = tokio::join!(benches.sit(lee), async { drop(bench) });
        assert!(sat.is_some());
        others.clear();
        assert!(benches.sit(kim).await.is_some());
    }
}
