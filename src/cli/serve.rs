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
    tracing::info!(mail = ?daemon.listeners(), web = %daemon.web(), "ready");
    systemd::ready();
    let watchdog = systemd::watchdog(daemon.store().clone());
    let ended = loop {
        tokio::select! {
            signal = stop_signal.come() => match signal {
                systemd::HANGUP => match daemon.renew_certificate() {
                    Ok(()) => tracing::info!(
                        "SIGHUP: the certificate was read again; the rest of the configuration waits for a restart"
                    ),
                    Err(fault) => tracing::error!(%fault, "SIGHUP: the certificate in use stays"),
                },
                signal => {
                    tracing::info!(signal, "stopping");
                    break Ok(());
                }
            },
            reason = daemon.failed() => {
                tracing::error!(%reason, "the store has failed; stopping so that nothing more is accepted");
                break Err(anyhow::anyhow!("the store has failed: {reason}"));
            }
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
