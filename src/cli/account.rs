//! `postern account`: staff with a local account, and the guests they have invited.
//!
//! The store has one owner at a time. If a daemon runs, it is asked over its control socket; if none runs, the
//! command opens the store itself. Both ways end in the same [`Roster`].

mod changes;

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use http::Method;

use crate::accounts::{Accounts, Rights};
use crate::auth::password::Passwords;
use crate::base::address::Address;
use crate::base::clock::SystemClock;
use crate::base::mailbox::Mailbox;
use crate::cli::{ConfigFile, prompt};
use crate::config::Settings;
use crate::control::api::{AccountLine, AddAccount, SetPassword, WantedAccounts};
use crate::control::client::Client;
use crate::roster::Roster;
use crate::store::Store;
use crate::switches::Switchboard;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a staff member, who can then send mail and invitations
    ///
    /// The password is asked for, or read from the first line of the input or of a file. Whether the service runs does
    /// not matter: if it does, it is asked to do it.
    Add(Add),
    /// List all staff members, or all guests
    ///
    /// One line a person: address, name, other addresses, and what is special.
    List(List),
    /// Show one account: what its person may do, when it was used last, who invited
    Show(changes::Whom),
    /// Let a staff member do something: invite, invite-internal or admin
    Allow(changes::Right),
    /// Let a staff member not do something any more: invite, invite-internal or admin
    Forbid(changes::Right),
    /// Refuse to let a person sign in; whoever is signed in is out at once
    Lock(changes::Whom),
    /// Let a person sign in again
    Unlock(changes::Whom),
    /// End an account, of staff or of a guest
    ///
    /// The person is out at once and gets no mail. What a guest has handed over stays with the staff. The address can be
    /// invited, or added, again.
    Remove(changes::Whom),
    /// Give a staff member a new password
    ///
    /// The password is asked for, or read from the first line of the input or of a file.
    Password(Password),
}

/// Whom to add.
#[derive(Debug, Args)]
pub struct Add {
    /// The primary mail address, which is also the sign-in name
    address: Address,
    /// The name that invitees read
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Another address of the same person, from which mail may come too; may be given several times
    #[arg(long = "alias", value_name = "ADDRESS")]
    aliases: Vec<Address>,
    /// May send mail, but no invitations
    #[arg(long)]
    no_invite: bool,
    /// May invite colleagues
    #[arg(long)]
    invite_internal: bool,
    /// May administer the gateway
    #[arg(long)]
    admin: bool,
    /// Read the password from the first line of this file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

/// How to list.
#[derive(Debug, Args)]
pub struct List {
    /// The guests instead of the staff
    #[arg(long)]
    guests: bool,
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// Whose password to change.
#[derive(Debug, Args)]
pub struct Password {
    /// The staff member's address
    address: Address,
    /// Read the password from the first line of this file
    #[arg(long = "password-file", value_name = "FILE")]
    from_file: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

/// Runs one of the account commands.
pub async fn run(command: Command, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::Add(wanted) => add(wanted, out).await,
        Command::List(wanted) => list(wanted, out).await,
        Command::Password(wanted) => password(wanted, out).await,
        Command::Show(whom) => changes::show(whom, out).await,
        Command::Allow(right) => changes::grant(right, true, out).await,
        Command::Forbid(right) => changes::grant(right, false, out).await,
        Command::Lock(whom) => changes::lock(whom, true, out).await,
        Command::Unlock(whom) => changes::lock(whom, false, out).await,
        Command::Remove(whom) => changes::remove(whom, out).await,
    }
}

async fn add(wanted: Add, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = settings(&wanted.file)?;
    let account = AddAccount {
        mailbox: Mailbox::named(wanted.name.as_deref().unwrap_or_default(), wanted.address),
        aliases: wanted.aliases,
        password: prompt::password(wanted.password_file.as_deref())?.reveal().to_owned(),
        rights: Rights {
            invite: !wanted.no_invite,
            invite_internal: wanted.invite_internal,
            admin: wanted.admin,
        },
    };
    let added = match Reach::of(&settings).await? {
        Reach::Daemon(client) => client.ask(Method::POST, "/accounts", &account).await?,
        Reach::Store(opened) => {
            let added = opened.roster.add(account.into()).await;
            opened.close().await;
            AccountLine::from(&added?)
        }
    };
    writeln!(out, "{} can sign in now.", added.address)?;
    Ok(())
}

async fn list(wanted: List, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = settings(&wanted.file)?;
    let lines: Vec<AccountLine> = match Reach::of(&settings).await? {
        Reach::Daemon(client) => {
            let path = format!("/accounts?guests={}", wanted.guests);
            client.ask(Method::GET, &path, &()).await?
        }
        Reach::Store(opened) => {
            let listed = opened.roster.list(WantedAccounts { guests: wanted.guests }.kind());
            opened.close().await;
            listed?.iter().map(AccountLine::from).collect()
        }
    };
    if wanted.json {
        serde_json::to_writer_pretty(&mut *out, &lines)?;
        writeln!(out)?;
        return Ok(());
    }
    if lines.is_empty() {
        let words = if wanted.guests {
            "There are no guests yet."
        } else {
            "There are no staff accounts yet; `postern account add ADDRESS` makes one."
        };
        writeln!(out, "{words}")?;
    }
    for line in lines {
        writeln!(out, "{}", sentence(&line))?;
    }
    Ok(())
}

fn sentence(line: &AccountLine) -> String {
    let mut words = vec![line.address.to_string()];
    words.extend(line.name.clone());
    words.extend(line.aliases.iter().map(|alias| format!("also {alias}")));
    words.extend((!line.guest && !line.may_invite).then(|| "may not invite".to_owned()));
    words.extend(line.may_invite_internal.then(|| "may invite colleagues".to_owned()));
    words.extend(line.admin.then(|| "administrator".to_owned()));
    words.extend(line.directory.then(|| "signs in with the directory".to_owned()));
    words.extend(line.locked.then(|| "locked".to_owned()));
    words.join("  ")
}

async fn password(wanted: Password, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = settings(&wanted.file)?;
    let secret = prompt::password(wanted.from_file.as_deref())?;
    match Reach::of(&settings).await? {
        Reach::Daemon(client) => {
            let path = format!("/accounts/{}/password", percent_encoded(&wanted.address.to_string()));
            let body = SetPassword { password: secret.reveal().to_owned() };
            client.ask::<_, ()>(Method::PUT, &path, &body).await?;
        }
        Reach::Store(opened) => {
            let changed = opened.roster.set_password(&wanted.address, &secret).await;
            opened.close().await;
            changed?;
        }
    }
    writeln!(out, "{} has a new password.", wanted.address)?;
    Ok(())
}

/// Who tends accounts or invitations needs none of the service's secrets, and by hand has none.
pub(super) fn settings(file: &ConfigFile) -> anyhow::Result<Settings> {
    let file = &file.config;
    Settings::load_without_credentials(file).with_context(|| format!("{} cannot be used", file.display()))
}

/// One segment of a path (RFC 3986 §2.1): everything but unreserved characters is encoded.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// How to reach the books.
pub(super) enum Reach {
    /// A daemon holds the store.
    Daemon(Client),
    /// Nobody does; we hold it now.
    Store(Opened),
}

/// The store, held by this command.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) switches: Switchboard,
    roster: Roster,
}

impl Reach {
    pub(super) async fn of(settings: &Settings) -> anyhow::Result<Self> {
        let directory = &settings.storage.directory;
        let reached = Client::connect(directory).await.with_context(|| {
            format!(
                "{} cannot be reached; please run this as root or as the service's user",
                directory.display()
            )
        })?;
        Ok(match reached {
            Some(client) => Self::Daemon(client),
            None => Self::Store(Opened::open(settings)?),
        })
    }
}

impl Opened {
    fn open(settings: &Settings) -> anyhow::Result<Self> {
        refuse_to_leave_foreign_files(&settings.storage.directory)?;
        let (store, _spool) = Store::open(&settings.storage).context("opening the store")?;
        let roster = Roster::new(
            store.clone(),
            Accounts::new(store.clone()),
            Passwords::new(settings.limits.password_hashes),
            settings.organisation.clone(),
            Arc::new(SystemClock),
        );
        let (clock, registration) = (Arc::new(SystemClock), &settings.registration);
        let switches = Switchboard::open(store.clone(), clock, &settings.invite, registration)
            .context("reading the switches")?;
        Ok(Self { store, switches, roster })
    }

    pub(super) async fn close(&self) {
        self.store.close().await;
    }
}

/// Files that root makes in the service's directory would stop the service from starting.
fn refuse_to_leave_foreign_files(directory: &Path) -> anyhow::Result<()> {
    let us = rustix::process::geteuid().as_raw();
    match std::fs::metadata(directory) {
        Ok(metadata) if metadata.uid() != us => bail!(
            "{} belongs to another user (number {}), and the service does not run. Please start it, or run this \
             command as that user, for example with `runuser -u postern --`",
            directory.display(),
            metadata.uid()
        ),
        _ => Ok(()),
    }
}
