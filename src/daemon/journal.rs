//! Logs go to standard error, where the journal or a terminal picks them up.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts logging for the whole process.
///
/// # Errors
/// A filter that cannot be read, or logging that runs already.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.filter).context("the key log.filter")?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let started = if log.json {
        lines.json().flatten_event(true).try_init()
    } else if std::env::var_os("JOURNAL_STREAM").is_some() {
        // The journal has its own clock.
        lines.without_time().try_init()
    } else {
        lines.try_init()
    };
    started.map_err(|fault| anyhow::anyhow!("starting the log: {fault}"))
}
