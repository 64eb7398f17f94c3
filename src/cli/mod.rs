//! The commands. Each has one page of help; what it prints goes to the writer it is handed.

mod account;
mod check;
mod demo;
mod invite;
mod prompt;
mod queue;
mod serve;
mod switch;
mod template;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::runtime;

use crate::config::Settings;

/// A mail gateway that turns an ordinary mail into an invitation, and a link into an account.
#[derive(Debug, Parser)]
#[command(name = "postern", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway in the foreground, as systemd does
    Serve(ConfigFile),
    /// Try everything on this machine: no configuration, no network, nothing kept
    ///
    /// A mail gateway on loopback with a staff account, a self-made certificate and a mailbox that shows what would
    /// have been delivered. Ctrl-C stops it; nothing is left behind unless --keep is given.
    Demo(demo::Options),
    /// Read the configuration, try what it names, and report every fault at once
    ///
    /// If the file is complete, tries certificate and key, state directory, templates, listeners, the organisation's
    /// directory, identity providers, smarthosts and routes, and DKIM keys with their DNS records, each as far as the user
    /// who runs it may. Of a service that runs, it says which switches win over the file. Run it as the service's user: root can read what that user cannot.
    Check(ConfigFile),
    /// Add, list, change, lock and end accounts of staff, and of guests
    #[command(subcommand)]
    Account(account::Command),
    /// List invitations, take one back, give it more days, send a fresh link, or correct the address
    #[command(subcommand)]
    Invite(invite::Command),
    /// Change a few settings while the service runs, until they are given back to the file
    #[command(subcommand)]
    Switch(switch::Command),
    /// Look at the texts of mails and pages, try them, and take them out to be changed
    #[command(subcommand)]
    Template(template::Command),
    /// See what waits to be delivered and why; try it now, hold, release or drop it; the service must be running
    #[command(subcommand)]
    Queue(queue::Command),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/postern/postern.toml", env = "POSTERN_CONFIG")]
    config: PathBuf,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // State and secrets are for the eyes of one user, also where no unit sees to it (UMask=).
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let done = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
        .and_then(|runtime| runtime.block_on(run(arguments.command, &mut io::stdout())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Standard error may be closed; there is nobody left to tell.
            let _ = writeln!(io::stderr(), "postern: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::Serve(file) => serve::run(&file.config).await,
        Command::Demo(options) => demo::run(options, out).await,
        Command::Check(file) => check::run(&file.config, out).await,
        Command::Account(command) => account::run(command, out).await,
        Command::Invite(command) => invite::run(command, out).await,
        Command::Switch(command) => switch::run(command, out).await,
        Command::Template(command) => template::run(command, out),
        Command::Queue(command) => queue::run(command, out).await,
    }
}

/// The checked settings, or all their faults as one message.
fn settings(file: &Path) -> anyhow::Result<Settings> {
    Settings::load(file).with_context(|| format!("{} cannot be used", file.display()))
}
