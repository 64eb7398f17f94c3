//! What has to be cleared away with time. Each sweep is idempotent and bounded, so that a crash, a second run or a
//! long pause does no harm.

use std::sync::Arc;
use std::time::Duration;

use crate::accounts::Accounts;
use crate::base::clock::Clock;
use crate::net::lifecycle::Lifecycle;
use crate::store::{Batch, CommitError, Store};

/// How often the janitor goes round.
const ROUND_EVERY: Duration = Duration::from_mins(10);
/// Records that one commit removes at most.
const SWEEP_MAX: usize = 256;

/// Clears away what has ended.
pub struct Janitor {
    store: Store,
    accounts: Accounts,
    clock: Arc<dyn Clock>,
}

impl Janitor {
    /// A janitor for these books.
    #[must_use]
    pub const fn new(store: Store, accounts: Accounts, clock: Arc<dyn Clock>) -> Self {
        Self { store, accounts, clock }
    }

    /// Goes round until the lifecycle stops.
    pub async fn run(self, lifecycle: Lifecycle) {
        loop {
            tokio::select! {
                () = lifecycle.stopping() => return,
                () = self.clock.sleep_until(self.clock.now() + ROUND_EVERY) => {}
            }
            match self.sweep_sessions().await {
                Ok(0) => {}
                Ok(swept) => tracing::debug!(swept, "ended sessions were removed"),
                Err(fault) => {
                    tracing::warn!(%fault, "ended sessions could not be removed; trying again later");
                }
            }
        }
    }

    /// Removes the web sessions that have ended. Gives how many.
    ///
    /// # Errors
    /// The store's; a conflict (a session that was ended by hand meanwhile) is left to the next round.
    pub async fn sweep_sessions(&self) -> Result<usize, CommitError> {
        let mut swept = 0;
        loop {
            let mut batch = Batch::new();
            let removed = self.accounts.sweep_sessions(&mut batch, self.clock.now(), SWEEP_MAX)?;
            self.store.commit(batch).await?;
            swept += removed;
            if removed < SWEEP_MAX {
                return Ok(swept);
            }
        }
    }
}
