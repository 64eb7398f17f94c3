//! `postern serve`: the gateway in the foreground, under systemd or by hand.

use std::path::Path;

use anyhow::{Context, bail};

use crate::cli::settings;
use crate::daemon::systemd::StopSignal;
use crate::daemon::{Daemon, Outside, journal, systemd};

/// Runs until SIGTERM, SIGINT, or a fault of the store.
pub async fn run(file: &Path) -> anyhow::Result<()> {
    let settings = settings(file)?;
    journal::start(&settings.log)?;
    let mut stop_signal = StopSignal::listen().context("listening for signals")?;
    let daemon = Daemon::start(settings.clone(), Outside::system(&settings)?).await?;
    systemd::ready();
    let watchdog = systemd::watchdog(daemon.store().clone());
    let ended = tokio::select! {
        signal = stop_signal.come() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        reason = daemon.failed() => {
            tracing::error!(%reason, "the store has failed; stopping so that nothing more is accepted");
            Err(anyhow::anyhow!("the store has failed: {reason}"))
        }
    };
    watchdog.abort();
    systemd::stopping();
    let late = daemon.stop().await;
    ended?;
    if !late.is_empty() {
        bail!("stopped, but these had not finished: {}", late.join(", "));
    }
    Ok(())
}
