//! What all connections of the next hop share: how they are to behave, what came, and who waits for what.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::harness::hop::{Conduct, Delivery, Manners};
use crate::harness::wire::PATIENCE;

/// Shared by all connections.
pub(super) struct Desk {
    pub(super) manners: Manners,
    pub(super) state: Mutex<State>,
    pub(super) changed: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) conduct: HashMap<String, Conduct>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) connections: usize,
    /// Recipients that are being held.
    pub(super) held: usize,
    /// How often a hold was released.
    pub(super) releases: usize,
    /// How often the idle were hung up on.
    pub(super) hang_ups: usize,
    /// What a peer sent that is not SMTP.
    pub(super) faults: Vec<String>,
}

/// What is said before DATA.
#[derive(Default)]
pub(super) struct Transaction {
    pub(super) begun: bool,
    pub(super) sender: String,
    pub(super) parameters: String,
    pub(super) recipients: Vec<String>,
    pub(super) after_data: Option<&'static str>,
    pub(super) hang_up: bool,
}

impl Desk {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until `holds`, at most [`PATIENCE`].
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        if tokio::time::timeout(PATIENCE, self.changed_to(holds)).await.is_err() {
            let state = self.state();
            let came: Vec<_> = state
                .deliveries
                .iter()
                .map(|mail| format!("{} → {:?}", mail.sender, mail.recipients))
                .collect();
            panic!(
                "the hop waited for {what}; over {} connections came {came:#?}; faults: {:?}",
                state.connections, state.faults
            );
        }
    }

    /// Waits until `holds`.
    pub(super) async fn changed_to(&self, holds: impl Fn(&State) -> bool) {
        loop {
            // Listen first, look second: a change between the two is not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    /// What to say to this recipient.
    pub(super) async fn answer_recipient(
        &self,
        recipient: &str,
        transaction: &mut Transaction,
    ) -> &'static str {
        const OK: &str = "250 2.1.5 ok";
        let releases = {
            let mut state = self.state();
            let releases = state.releases;
            match state.conduct.get_mut(recipient) {
                None | Some(Conduct::ReplyTimes(0, _) | Conduct::HangUpInData(0)) => return OK,
                Some(Conduct::Reply(reply)) => return reply,
                Some(Conduct::ReplyTimes(left, reply)) => {
                    *left -= 1;
                    return reply;
                }
                Some(Conduct::AfterData(reply)) => {
                    transaction.after_data = Some(reply);
                    return OK;
                }
                Some(Conduct::HangUpInData(left)) => {
                    *left -= 1;
                    transaction.hang_up = true;
                    return OK;
                }
                Some(Conduct::Hold) => state.held += 1,
            }
            releases
        };
        self.changed.notify_waiters();
        self.until("the release of a recipient", |state| state.releases > releases).await;
        self.state().held -= 1;
        OK
    }
}
