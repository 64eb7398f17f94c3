//! Talking to the service manager: ready, stopping, alive; and the signals it sends. Silent without systemd.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::store::{Batch, Store};

/// The name of the one signal that need not mean the end.
pub const HANGUP: &str = "SIGHUP";

/// All listeners are bound and served (`Type=notify`).
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A stop has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog at half its interval, and only while the store still commits: a daemon that cannot keep mail
/// is not alive. Ends at once where the unit asks for no watchdog.
#[must_use]
pub fn watchdog(store: Store) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(interval) = sd_notify::watchdog_enabled() else { return };
        let mut beat = tokio::time::interval((interval / 2).max(Duration::from_millis(1)));
        loop {
            beat.tick().await;
            match store.commit(Batch::new()).await {
                Ok(()) => tell(&[NotifyState::Watchdog]),
                Err(fault) => tracing::error!(%fault, "the store does not answer; the watchdog is not fed"),
            }
        }
    })
}

/// Listens for the signals that ask the process to stop. Installed before anything starts: a signal that comes early
/// then waits, instead of killing the process halfway.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl StopSignal {
    /// Begins to listen for SIGTERM, SIGINT, and SIGHUP, which means what the caller makes of it: a terminal that was
    /// closed, or an administrator who expects the configuration to be read again.
    ///
    /// # Errors
    /// Those of the system.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Ends with the name of the signal when one has come.
    pub async fn come(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => HANGUP,
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(fault) = sd_notify::notify(states) {
        tracing::warn!(%fault, "systemd could not be told");
    }
}
