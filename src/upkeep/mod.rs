//! What people do about their own accounts: another name, another password, an end; and [`forgotten`] passwords.
//!
//! What it promises: whatever opens a door to others (another password, the end of the account) asks for the present
//! password first, counts wrong ones, ends the other sessions in the same commit, and tells the person by mail. An
//! account of the organisation's directory never gets a password here.

pub mod forgotten;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tracing::error;

use crate::accounts::name::{NameFault, display_name};
use crate::accounts::{Account, Accounts, Credential, Kind, Session};
use crate::audit::{self, Deed, Event};
use crate::auth::password::{HashFault, PasswordFault, Passwords};
use crate::auth::too_often;
use crate::base::clock::Clock;
use crate::base::id::AccountId;
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::base::phrase::{Phrase, phrase};
use crate::base::secret::{Secret, TokenHash};
use crate::net::throttle::Failures;
use crate::notices::person::AboutAccount;
use crate::notices::{NoticeFault, Notices};
use crate::queue::{Admission, Queue};
use crate::store::{Batch, CommitError, Store, StoreFault, Stored};

/// How often a change is decided anew because somebody else was first.
const ROUNDS_MAX: usize = 8;

/// The flow over the book of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Upkeep {
    parts: Parts,
    /// Wrong passwords, by account.
    failures: Failures,
    organisation: Arc<str>,
}

/// What the flow stands on.
#[derive(Clone)]
pub struct Parts {
    /// Where changes are committed.
    pub store: Store,
    /// The book.
    pub accounts: Accounts,
    /// Checks and hashes.
    pub passwords: Passwords,
    /// Writes the mails.
    pub notices: Notices,
    /// Sends them.
    pub queue: Queue,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why nothing was changed, in words for the person.
#[derive(Debug, Error)]
#[error("{}", self.phrase())]
pub enum UpkeepFault {
    /// The name is not one.
    Name(#[from] NameFault),
    /// The new password is not good enough.
    Password(#[from] PasswordFault),
    /// The present password is another.
    Wrong,
    /// Too many wrong ones.
    Throttled(Duration),
    /// The account has no password here, or is of a kind that does not end in this way.
    NotHere,
    /// The account, or the link, is not there any more.
    Over,
    /// The cause is in the log.
    Internal,
}

impl UpkeepFault {
    /// What happened, and what to do.
    #[must_use]
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::Name(fault) => fault.phrase(),
            Self::Password(fault) => fault.phrase(),
            Self::Wrong => phrase!("This is not your present password. Please try again."),
            Self::Throttled(wait) => too_often(*wait),
            Self::NotHere => phrase!("This is not possible with your account."),
            Self::Over => phrase!("This link opens nothing any more."),
            Self::Internal => phrase!("Something went wrong on our side. Please try again later."),
        }
    }
}

impl Upkeep {
    /// The flow over these parts. `failures` counts wrong passwords; `organisation` is what no password may contain.
    #[must_use]
    pub fn new(parts: Parts, failures: Failures, organisation: &str) -> Self {
        Self { parts, failures, organisation: organisation.into() }
    }

    /// The sessions of an account, the newest first.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sessions(&self, account: AccountId) -> Result<Vec<(TokenHash, Session)>, StoreFault> {
        self.parts.accounts.sessions_of(account, self.parts.clock.now())
    }

    /// Gives the account another display name.
    ///
    /// # Errors
    /// [`UpkeepFault`].
    pub async fn rename(&self, account: AccountId, name: &str, peer: IpAddr) -> Result<(), UpkeepFault> {
        let name = display_name(name)?;
        let renamed = |old: &Account| Account {
            mailbox: Mailbox::named(name, old.mailbox.address.clone()),
            ..old.clone()
        };
        self.change(account, Deed::Renamed, renamed, peer).await
    }

    /// From now on, mails and pages for the account's person are in this language; without one, pages are in the
    /// browser's and mails in the organisation's.
    ///
    /// # Errors
    /// [`UpkeepFault`].
    pub async fn choose_language(
        &self,
        account: AccountId,
        language: Option<Language>,
        peer: IpAddr,
    ) -> Result<(), UpkeepFault> {
        let chosen = |old: &Account| Account { language, ..old.clone() };
        self.change(account, Deed::LanguageChosen, chosen, peer).await
    }

    /// What would be said about a password while it is being typed. Nothing is kept of it, and nobody is kept waiting:
    /// `None` where all places are taken.
    pub async fn advice(
        &self,
        password: &Secret,
        address: &str,
        name: &str,
    ) -> Option<Result<(), PasswordFault>> {
        self.parts.passwords.judge(password, address, name, &self.organisation).await.ok()
    }

    async fn change(
        &self,
        account: AccountId,
        deed: Deed,
        changed: impl Fn(&Account) -> Account,
        peer: IpAddr,
    ) -> Result<(), UpkeepFault> {
        for _ in 0..ROUNDS_MAX {
            let old = self.read(account)?;
            let new = changed(&old.value);
            let mut batch = Batch::new();
            self.parts.accounts.replace(&mut batch, &old, &new)?;
            if self.committed(batch, Vec::new()).await? {
                note(deed, &new, peer);
                return Ok(());
            }
        }
        Err(internal("changing an account")(&CommitError::Conflict))
    }

    /// Gives the account another password; all sessions but `kept` end.
    ///
    /// # Errors
    /// [`UpkeepFault`].
    pub async fn change_password(
        &self,
        account: AccountId,
        kept: &TokenHash,
        present: &Secret,
        next: &Secret,
        peer: IpAddr,
    ) -> Result<(), UpkeepFault> {
        let proven = self.prove(account, present).await?;
        let hash = self.hashed(&proven, next).await?;
        let begun = || Ok(Batch::new());
        self.set_password(begun, account, &proven.credential, hash, Some(kept), "person", peer).await
    }

    /// Ends all sessions of the account but `kept`.
    ///
    /// # Errors
    /// [`UpkeepFault`].
    pub async fn end_sessions(
        &self,
        account: AccountId,
        kept: &TokenHash,
        peer: IpAddr,
    ) -> Result<(), UpkeepFault> {
        let person = self.read(account)?.value;
        let mut batch = Batch::new();
        self.parts.accounts.end_sessions(&mut batch, account, Some(kept))?;
        self.committed(batch, Vec::new()).await?;
        note(Deed::SessionsEnded, &person, peer);
        Ok(())
    }

    /// Ends a guest's account, with its addresses and its sessions, and sends a last mail. What was handed over already
    /// stays with the staff.
    ///
    /// # Errors
    /// [`UpkeepFault`].
    pub async fn delete(
        &self,
        account: AccountId,
        present: &Secret,
        peer: IpAddr,
    ) -> Result<Account, UpkeepFault> {
        let proven = self.prove(account, present).await?;
        for _ in 0..ROUNDS_MAX {
            let old = self.read(account)?;
            if old.value.kind != Kind::Guest {
                return Err(UpkeepFault::NotHere);
            }
            if old.value.credential != proven.credential {
                return Err(UpkeepFault::Wrong);
            }
            let mut batch = Batch::new();
            self.parts.accounts.remove(&mut batch, &old)?;
            let farewell = AboutAccount::Farewell { unused: false };
            let mail = self.parts.notices.about_account(&mut batch, &old.value, farewell).await?;
            if self.committed(batch, vec![mail]).await? {
                note(Deed::Removed, &old.value, peer);
                return Ok(old.value);
            }
        }
        Err(internal("deleting an account")(&CommitError::Conflict))
    }

    /// Another password in place of the one that `credential` is, with the changes that `begun` makes in each round.
    #[allow(clippy::too_many_arguments, reason = "all that one commit and its line in the log need")]
    async fn set_password(
        &self,
        begun: impl Fn() -> Result<Batch, UpkeepFault>,
        account: AccountId,
        credential: &Credential,
        hash: String,
        kept: Option<&TokenHash>,
        by: &str,
        peer: IpAddr,
    ) -> Result<(), UpkeepFault> {
        for _ in 0..ROUNDS_MAX {
            let old = self.read(account)?;
            if old.value.credential != *credential || old.value.locked {
                return Err(UpkeepFault::Over);
            }
            let mut batch = begun()?;
            let new = Account { credential: Credential::Password(hash.clone()), ..old.value.clone() };
            self.parts.accounts.replace(&mut batch, &old, &new)?;
            self.parts.accounts.end_sessions(&mut batch, account, kept)?;
            let changed = AboutAccount::PasswordChanged;
            let mail = self.parts.notices.about_account(&mut batch, &new, changed).await?;
            if self.committed(batch, vec![mail]).await? {
                let whom = &new.mailbox.address;
                audit::record(&Event::Account { deed: Deed::PasswordChanged, whom, by, peer: Some(peer) });
                return Ok(());
            }
        }
        Err(internal("changing a password")(&CommitError::Conflict))
    }

    /// The account as it was when somebody who is signed in proved to know its password, too: what is done for that
    /// proof is done to no other password.
    async fn prove(&self, account: AccountId, present: &Secret) -> Result<Account, UpkeepFault> {
        let key = account.to_string();
        if let Some(wait) = self.failures.wait(&key) {
            return Err(UpkeepFault::Throttled(wait));
        }
        let person = self.read(account)?.value;
        let Some(phc) = person.credential.password() else {
            return Err(UpkeepFault::NotHere);
        };
        let is_right = self.parts.passwords.verify(present, Some(phc)).await;
        let is_right = is_right.map_err(|fault| internal("checking a password")(&fault))?;
        // Of guesses made side by side, only those count that come before the throttle closes.
        if let Some(wait) = self.failures.wait(&key) {
            return Err(UpkeepFault::Throttled(wait));
        }
        if is_right {
            self.failures.succeeded(&key);
            return Ok(person);
        }
        self.failures.failed(&key);
        Err(UpkeepFault::Wrong)
    }

    async fn hashed(&self, person: &Account, next: &Secret) -> Result<String, UpkeepFault> {
        let (address, name) = (person.mailbox.address.to_string(), person.mailbox.label());
        let hash = self.parts.passwords.choose(next, &address, &name, &self.organisation).await;
        Ok(hash.map_err(|fault: HashFault| internal("hashing a password")(&fault))??)
    }

    fn read(&self, account: AccountId) -> Result<Stored<Account>, UpkeepFault> {
        self.parts.accounts.by_id(account)?.ok_or(UpkeepFault::Over)
    }

    /// False where somebody else was first.
    async fn committed(&self, batch: Batch, mails: Vec<Admission>) -> Result<bool, UpkeepFault> {
        match self.parts.queue.commit(batch, mails).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }
}

fn note(deed: Deed, account: &Account, peer: IpAddr) {
    let whom = &account.mailbox.address;
    audit::record(&Event::Account { deed, whom, by: "person", peer: Some(peer) });
}

/// Notes in the log what went wrong on our side; the person is only told that something did.
fn internal(doing: &'static str) -> impl FnOnce(&dyn Error) -> UpkeepFault {
    move |fault| {
        error!(%fault, "{doing} failed");
        UpkeepFault::Internal
    }
}

impl From<StoreFault> for UpkeepFault {
    fn from(fault: StoreFault) -> Self {
        internal("reading or writing an account")(&fault)
    }
}

impl From<NoticeFault> for UpkeepFault {
    fn from(fault: NoticeFault) -> Self {
        internal("writing a mail about an account")(&fault)
    }
}
