//! `postern invite`: what became of the invitations, and what can be changed about them.
//!
//! If a daemon runs, it is asked over its control socket; if none runs, the command opens the store itself. Only a fresh
//! link needs a daemon, which has to send it.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use http::Method;
use serde::Serialize;

use crate::base::address::Address;
use crate::base::clock::SystemClock;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::cli::ConfigFile;
use crate::cli::account::{Opened, Reach, percent_encoded, settings};
use crate::config::Settings;
use crate::control::client::Client;
use crate::control::invitations::{Extend, InvitationLine, Part, Readdress};
use crate::invites::{Invites, Stage};
use crate::store::StoreFault;
use crate::tending::{Filter, Tending};

/// What to do with invitations.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List invitations, the oldest first, and how each stands
    List(List),
    /// Show all that is known of one invitation
    Show(One),
    /// Take an invitation back: its links open nothing from now on, and mail that still waits is not sent
    Withdraw(One),
    /// Give an invitation more days; one that has expired, that many days from now on
    Extend(More),
    /// Send the invitee a mail with a fresh link; the service must be running
    Resend(One),
    /// Correct the address: the person gets a fresh link there, and links that went to the wrong address open nothing;
    /// the service must be running
    Address(Right),
}

/// One line an invitation: its number, how it stands, who invites whom, until when.
#[derive(Debug, Args)]
pub struct List {
    /// Only those of this inviter
    #[arg(long, value_name = "ADDRESS")]
    inviter: Option<Address>,
    /// Only those that are queued, sent, opened, accepted, bounced, expired or withdrawn
    #[arg(long, value_name = "STATE")]
    state: Option<Stage>,
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// The number is the one that `postern invite list` shows.
#[derive(Debug, Args)]
pub struct One {
    /// The invitation's number
    #[arg(value_name = "ID")]
    id: InvitationId,
    /// Print a JSON object instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// The days come on top of those that are left.
#[derive(Debug, Args)]
pub struct More {
    #[command(flatten)]
    one: One,
    /// How many days more
    #[arg(value_name = "DAYS")]
    days: u32,
}

/// The invitation stays the same, with its thread.
#[derive(Debug, Args)]
pub struct Right {
    #[command(flatten)]
    one: One,
    /// The right address
    #[arg(value_name = "ADDRESS")]
    address: Address,
}

/// A change of one invitation.
enum Change {
    Address(Address),
    Withdraw,
    Extend(u32),
    Resend,
}

/// Runs one of the invite commands.
pub async fn run(command: Command, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::List(wanted) => list(wanted, out).await,
        Command::Show(one) => show(one, out).await,
        Command::Withdraw(one) => change(one, &Change::Withdraw, out).await,
        Command::Extend(More { one, days }) => change(one, &Change::Extend(days), out).await,
        Command::Resend(one) => change(one, &Change::Resend, out).await,
        Command::Address(Right { one, address }) => change(one, &Change::Address(address), out).await,
    }
}

async fn list(wanted: List, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = settings(&wanted.file)?;
    let lines = match Reach::of(&settings).await? {
        Reach::Daemon(client) => asked(client, &settings, &wanted).await?,
        Reach::Store(opened) => {
            let found = found(&tending(&opened), &wanted);
            opened.close().await;
            found?
        }
    };
    if wanted.json {
        return json(&lines, out);
    }
    if lines.is_empty() {
        writeln!(out, "There are no such invitations.")?;
    }
    for line in &lines {
        writeln!(out, "{}", sentence(line))?;
    }
    Ok(())
}

/// All parts of the list, from the daemon: one connection each.
async fn asked(
    mut client: Client,
    settings: &Settings,
    wanted: &List,
) -> anyhow::Result<Vec<InvitationLine>> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let part: Part = client.ask(Method::GET, &address(wanted, after), &()).await?;
        lines.extend(part.invitations);
        after = part.next;
        if after.is_none() {
            return Ok(lines);
        }
        client = Client::connect(&settings.storage.directory)
            .await?
            .context("the service stopped meanwhile; please try again")?;
    }
}

/// Where the daemon has a part of the list.
fn address(wanted: &List, after: Option<InvitationId>) -> String {
    let inviter = wanted.inviter.as_ref().map(|inviter| percent_encoded(&inviter.to_string()));
    let query = [
        inviter.map(|inviter| format!("inviter={inviter}")),
        wanted.state.map(|state| format!("state={}", state.word())),
        after.map(|after| format!("after={after}")),
    ];
    format!("/invitations?{}", query.into_iter().flatten().collect::<Vec<_>>().join("&"))
}

/// All parts of the list, from the store.
fn found(tending: &Tending, wanted: &List) -> Result<Vec<InvitationLine>, StoreFault> {
    let filter = Filter { inviter: wanted.inviter.clone(), stage: wanted.state };
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let part = Part::of(&tending.list(&filter, after)?, tending.now());
        lines.extend(part.invitations);
        after = part.next;
        if after.is_none() {
            return Ok(lines);
        }
    }
}

async fn show(one: One, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = settings(&one.file)?;
    let line: InvitationLine = match Reach::of(&settings).await? {
        Reach::Daemon(client) => client.ask(Method::GET, &format!("/invitations/{}", one.id), &()).await?,
        Reach::Store(opened) => {
            let tending = tending(&opened);
            let shown = tending.show(one.id);
            opened.close().await;
            InvitationLine::of(&shown?, tending.now())
        }
    };
    if one.json { json(&line, out) } else { page(&line, out) }
}

async fn change(one: One, change: &Change, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = settings(&one.file)?;
    let line: InvitationLine = match Reach::of(&settings).await? {
        Reach::Daemon(client) => {
            let path = |word| format!("/invitations/{}/{word}", one.id);
            match change {
                Change::Withdraw => client.ask(Method::POST, &path("withdraw"), &()).await?,
                Change::Extend(days) => {
                    client.ask(Method::POST, &path("extend"), &Extend { days: *days }).await?
                }
                Change::Resend => client.ask(Method::POST, &path("resend"), &()).await?,
                Change::Address(address) => {
                    let address = Readdress { address: address.clone() };
                    client.ask(Method::POST, &path("address"), &address).await?
                }
            }
        }
        Reach::Store(opened) => {
            let tending = tending(&opened);
            let changed = match change {
                Change::Withdraw => tending.withdraw(one.id).await.map_err(Into::into),
                Change::Extend(days) => tending.extend(one.id, *days).await.map_err(Into::into),
                Change::Resend | Change::Address(_) => Err(anyhow!(
                    "the service is not running, so nobody would send the mail; start it, then try again"
                )),
            };
            opened.close().await;
            InvitationLine::of(&changed?, tending.now())
        }
    };
    if one.json {
        return json(&line, out);
    }
    let invitee = &line.invitee.address;
    match (change, &line.valid_until) {
        (Change::Withdraw, _) => {
            writeln!(out, "The invitation of {invitee} is withdrawn; its links open nothing any more.")?;
        }
        (Change::Extend(_), Some(until)) => {
            writeln!(out, "The invitation of {invitee} is valid until {until}.")?;
        }
        (Change::Extend(_), None) => {
            writeln!(
                out,
                "The invitation of {invitee} has more days; they count from when the mail is sent."
            )?;
        }
        (Change::Resend, _) => writeln!(out, "A fresh link is on its way to {invitee}.")?,
        (Change::Address(_), _) => writeln!(
            out,
            "{invitee} is invited in place of the former address; a fresh link is on its way there."
        )?,
    }
    Ok(())
}

/// The flow over a store that this command holds.
fn tending(opened: &Opened) -> Tending {
    let store = opened.store.clone();
    Tending::new(store.clone(), Invites::new(store), Arc::new(SystemClock), opened.switches.clone())
}

fn json<T: Serialize>(value: &T, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

fn sentence(line: &InvitationLine) -> String {
    let (inviter, invitee) = (&line.inviter.address, &line.invitee.address);
    let until = line.valid_until.as_ref().map(|until| format!("  until {until}")).unwrap_or_default();
    format!("{}  {:9}  {inviter} -> {invitee}{until}", line.id, line.state.word())
}

/// Everything, one thing a line.
fn page(line: &InvitationLine, out: &mut impl Write) -> anyhow::Result<()> {
    let words = if line.state == Stage::Bounced { "reason" } else { "next hop" };
    let changed = match line.state {
        Stage::Accepted => "accepted",
        Stage::Bounced => "came back",
        Stage::Withdrawn => "withdrawn",
        Stage::Queued | Stage::Sent | Stage::Opened | Stage::Expired => "opened",
    };
    let rows = [
        ("number", Some(line.id.to_string())),
        ("state", Some(line.state.word().to_owned())),
        ("inviter", Some(person(&line.inviter))),
        ("invitee", Some(person(&line.invitee))),
        ("subject", Some(line.subject.clone())),
        ("accepted from inviter", Some(line.created.clone())),
        ("sent", line.sent.clone()),
        (words, line.words.clone()),
        (changed, line.changed.clone()),
        ("fresh link", line.renewed.clone()),
        ("valid until", line.valid_until.clone()),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            writeln!(out, "{name:22} {value}")?;
        }
    }
    Ok(())
}

fn person(mailbox: &Mailbox) -> String {
    match &mailbox.name {
        Some(name) => format!("{name} <{}>", mailbox.address),
        None => mailbox.address.to_string(),
    }
}
