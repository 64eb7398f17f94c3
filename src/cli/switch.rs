//! `postern switch`: the settings that can be changed while the service runs.
//!
//! Whether the service runs does not matter: if it does, it is asked, and the change holds at once.

use std::io::Write;

use clap::{Args, Subcommand};
use http::Method;

use crate::cli::ConfigFile;
use crate::cli::account::{Reach, percent_encoded, settings};
use crate::config::Settings;
use crate::control::switches::{COMMAND_LINE, SetSwitch, SwitchLine};
use crate::switches::{Switch, SwitchFault, Switchboard};

/// What to do with the switches.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how each stands, what the file says, and who has set it
    List(List),
    /// Set one; it holds at once and until `reset`, whatever the file says
    ///
    /// `postern switch set invite.enabled false` switches invitations off for everybody. The value is written as in the
    /// file, in quotes where it has a space: `postern switch set invite.lifespan "30 days"`.
    Set(Set),
    /// Give one back to the file
    Reset(Reset),
}

/// One line a switch.
#[derive(Debug, Args)]
pub struct List {
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// Which, and to what.
#[derive(Debug, Args)]
pub struct Set {
    /// Its key in the file, as `postern switch list` shows it
    key: String,
    /// The value, as the file would have it
    value: String,
    #[command(flatten)]
    how: List,
}

/// Which.
#[derive(Debug, Args)]
pub struct Reset {
    /// Its key in the file, as `postern switch list` shows it
    key: String,
    #[command(flatten)]
    how: List,
}

/// What is done over either way.
enum Deed {
    List,
    Set(String, String),
    Reset(String),
}

/// Runs one of the switch commands.
pub async fn run(command: Command, out: &mut impl Write) -> anyhow::Result<()> {
    let (how, deed) = match command {
        Command::List(how) => (how, Deed::List),
        Command::Set(Set { key, value, how }) => (how, Deed::Set(key, value)),
        Command::Reset(Reset { key, how }) => (how, Deed::Reset(key)),
    };
    let mut lines = done(&settings(&how.file)?, &deed).await?;
    if let Deed::Set(key, _) | Deed::Reset(key) = &deed {
        lines.retain(|line| line.key == *key);
    }
    if how.json {
        serde_json::to_writer_pretty(&mut *out, &lines)?;
        return Ok(writeln!(out)?);
    }
    for line in &lines {
        writeln!(out, "{:25}  {}", line.key, standing(line))?;
    }
    Ok(())
}

async fn done(settings: &Settings, deed: &Deed) -> anyhow::Result<Vec<SwitchLine>> {
    match Reach::of(settings).await? {
        Reach::Daemon(client) => {
            let path = |key: &str| format!("/switches/{}", percent_encoded(key));
            let asked = match deed {
                Deed::List => client.ask(Method::GET, "/switches", &()).await,
                Deed::Set(key, value) => {
                    let value = SetSwitch { value: value.clone() };
                    client.ask(Method::PUT, &path(key), &value).await
                }
                Deed::Reset(key) => client.ask(Method::DELETE, &path(key), &()).await,
            };
            Ok(asked?)
        }
        Reach::Store(opened) => {
            let changed = change(&opened.switches, deed).await;
            opened.close().await;
            changed?;
            Ok(SwitchLine::all(&opened.switches))
        }
    }
}

async fn change(switches: &Switchboard, deed: &Deed) -> Result<(), SwitchFault> {
    match deed {
        Deed::List => Ok(()),
        Deed::Set(key, value) => switches.set(Switch::of(key)?, value, COMMAND_LINE).await,
        Deed::Reset(key) => switches.give_back(Switch::of(key)?, COMMAND_LINE).await,
    }
}

/// How it stands, and why.
pub(super) fn standing(line: &SwitchLine) -> String {
    let SwitchLine { value, file, set, .. } = line;
    match set {
        None => format!("{value}, as the file says"),
        Some(set) => {
            let by =
                set.by.as_ref().map_or_else(|| "on the command line".to_owned(), |by| format!("by {by}"));
            format!("{value}, set {by} on {}; the file says {file}", set.at)
        }
    }
}
