//! `postern account show|allow|forbid|lock|unlock|remove`: one account that is there.

use std::io::Write;

use clap::{Args, ValueEnum};
use http::Method;

use crate::base::address::Address;
use crate::cli::ConfigFile;
use crate::cli::account::{Reach, percent_encoded, sentence, settings};
use crate::control::api::{AccountLine, ChangeAccount};

/// Whose account.
#[derive(Debug, Args)]
pub struct Whom {
    /// One of the account's addresses
    address: Address,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// Who may do what.
#[derive(Debug, Args)]
pub struct Right {
    /// What
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    whom: Whom,
}

/// What a staff member may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Invite people outside
    Invite,
    /// Invite colleagues, who then sign in with the organisation's directory or identity provider
    InviteInternal,
    /// Administer the gateway
    Admin,
}

/// What is done over either way.
enum Deed {
    Show,
    Change(ChangeAccount),
    Remove,
}

pub(super) async fn show(whom: Whom, out: &mut impl Write) -> anyhow::Result<()> {
    let line = done(&whom, Deed::Show).await?;
    if whom.json {
        return json(&line, out);
    }
    writeln!(out, "{}", sentence(&line))?;
    writeln!(out, "  opened     {}", line.created)?;
    writeln!(out, "  last used  {}", line.last_use.as_deref().unwrap_or("never"))?;
    for inviter in line.inviters {
        writeln!(out, "  invited by {inviter}")?;
    }
    Ok(())
}

pub(super) async fn grant(right: Right, may: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let none = ChangeAccount::default();
    let (change, words) = match right.what {
        What::Invite => (ChangeAccount { invite: Some(may), ..none }, "invite"),
        What::InviteInternal => (ChangeAccount { invite_internal: Some(may), ..none }, "invite colleagues"),
        What::Admin => (ChangeAccount { admin: Some(may), ..none }, "administer Postern"),
    };
    let line = done(&right.whom, Deed::Change(change)).await?;
    let may = if may { "may" } else { "may not" };
    told(&right.whom, &line, &format!("{may} {words} now"), out)
}

pub(super) async fn lock(whom: Whom, locked: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let change = ChangeAccount { locked: Some(locked), ..ChangeAccount::default() };
    let line = done(&whom, Deed::Change(change)).await?;
    told(&whom, &line, if locked { "is locked out now" } else { "can sign in again" }, out)
}

pub(super) async fn remove(whom: Whom, out: &mut impl Write) -> anyhow::Result<()> {
    let line = done(&whom, Deed::Remove).await?;
    told(&whom, &line, "has no account any more", out)
}

fn told(whom: &Whom, line: &AccountLine, words: &str, out: &mut impl Write) -> anyhow::Result<()> {
    if whom.json {
        return json(line, out);
    }
    Ok(writeln!(out, "{} {words}.", line.address)?)
}

fn json(line: &AccountLine, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, line)?;
    Ok(writeln!(out)?)
}

async fn done(whom: &Whom, deed: Deed) -> anyhow::Result<AccountLine> {
    let address = &whom.address;
    match Reach::of(&settings(&whom.file)?).await? {
        Reach::Daemon(client) => {
            let path = format!("/accounts/{}", percent_encoded(&address.to_string()));
            Ok(match deed {
                Deed::Show => client.ask(Method::GET, &path, &()).await?,
                Deed::Change(change) => client.ask(Method::PATCH, &path, &change).await?,
                Deed::Remove => client.ask(Method::DELETE, &path, &()).await?,
            })
        }
        Reach::Store(opened) => {
            let roster = &opened.roster;
            let line = match deed {
                Deed::Show => AccountLine::shown(roster, address),
                Deed::Change(change) => change.apply(roster, address).await,
                Deed::Remove => roster.remove(address).await.map(|account| AccountLine::from(&account)),
            };
            opened.close().await;
            Ok(line?)
        }
    }
}
