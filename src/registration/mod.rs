//! Link → account: an invitation closes and an account opens in one transaction.
//!
//! What it promises: a link makes one account, however many people post it at once; the account, the invitation's end,
//! the first session and both notices become true together or not at all; looking at a link changes nothing. Where the
//! address has an account already, the link makes none: the inviter becomes one of its contacts, and the person signs
//! in as always.

pub mod colleague;
#[cfg(test)]
mod tests;
pub mod verification;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use crate::accounts::applicants::Applicant;
use crate::accounts::name::{NameFault, display_name};
use crate::accounts::{Account, Accounts, Credential, Kind, Rights, Session};
use crate::audit::{self, Event};
use crate::auth::password::{HashFault, PasswordFault, Passwords};
use crate::base::clock::Clock;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Secret, Token, TokenHash};
use crate::config;
use crate::invites::{Invitation, Invites, Standing};
use crate::notices::{NoticeFault, Notices};
use crate::queue::Queue;
use crate::store::{Batch, CommitError, Store, StoreFault, Stored};
use crate::switches::Switchboard;

/// How often a change is decided anew because somebody else was first. Each round somebody gets ahead, and a link has
/// few steps to go, so that more rounds than these mean that something is wrong.
const ROUNDS_MAX: usize = 8;

/// The flow from a link to an account. Cheap to clone.
#[derive(Clone)]
pub struct Registration {
    store: Store,
    accounts: Accounts,
    invites: Invites,
    passwords: Passwords,
    notices: Notices,
    queue: Queue,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

/// What the configuration has to say about it.
#[derive(Clone)]
pub struct Rules {
    /// The organisation's name, which no password may contain.
    pub organisation: Arc<str>,
    /// How long a session lasts.
    pub session_lifetime: Duration,
    /// Whether a second mail proves the address first.
    pub switches: Switchboard,
}

/// What became of a form that was filled in well.
#[derive(Debug)]
pub enum Answer {
    /// The account is open.
    Opened(Activated),
    /// It will be, when the address is proved to be read: a mail is on its way to it.
    Applied(Applicant),
}

/// A new account, signed in.
#[derive(Debug)]
pub struct Activated {
    /// The account.
    pub account: Account,
    /// The cookie's value.
    pub session: Token,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum ActivationFault {
    /// The link does not lead to the form: show the page for this standing.
    #[error("this link is no longer open")]
    Standing(Box<Standing>),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// The password is not good enough.
    #[error(transparent)]
    Password(#[from] PasswordFault),
    /// The address has an account already, and the inviter is now one of its contacts: sign in.
    #[error("There is an account for this address already. Please sign in.")]
    HasAccount,
    /// The invitee is a colleague, who opens no account here but proves to have one with the organisation.
    #[error("This invitation is for a colleague. Please sign in with the organisation's own password.")]
    Colleague,
    /// A colleague is somebody else than the invitee.
    #[error("This invitation is for somebody else.")]
    SomebodyElse,
    /// Too many people at once: try again.
    #[error("Too many people are signing in just now. Please try again in a moment.")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Told as "try again later"; the cause is in the log.
    #[error("Something went wrong on our side. Please try again later.")]
    Internal,
}

impl Rules {
    /// The rules of these settings.
    #[must_use]
    pub fn new(organisation: &config::Organisation, web: &config::Web, switches: Switchboard) -> Self {
        Self {
            organisation: organisation.name.as_str().into(),
            session_lifetime: web.session_lifetime,
            switches,
        }
    }
}

impl Registration {
    /// The flow over these books.
    #[must_use]
    #[allow(clippy::too_many_arguments, reason = "a flow is what spans many books; each is one part of it")]
    pub fn new(
        store: Store,
        accounts: Accounts,
        invites: Invites,
        passwords: Passwords,
        notices: Notices,
        queue: Queue,
        clock: Arc<dyn Clock>,
        rules: Rules,
    ) -> Self {
        Self { store, accounts, invites, passwords, notices, queue, clock, rules }
    }

    /// What a link leads to now. Changes nothing.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn look(&self, link: &TokenHash) -> Result<Standing, StoreFault> {
        self.invites.standing(link, self.clock.now())
    }

    /// The invitee's browser gave our cookie back: a person has seen the page. Of a link that is not open nothing is
    /// noted.
    ///
    /// # Errors
    /// Where the store failed.
    pub async fn opened(&self, link: &TokenHash) -> Result<(), StoreFault> {
        for _ in 0..ROUNDS_MAX {
            let Standing::Open(invitation) = self.look(link)? else {
                return Ok(());
            };
            let mut batch = Batch::new();
            if !self.invites.mark_opened(&mut batch, &invitation, self.clock.now())? {
                return Ok(());
            }
            match self.store.commit(batch).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(fault)) => return Err(fault),
            }
        }
        // Whoever was ahead each time has moved it further than this would have.
        Ok(())
    }

    /// Opens an account for the invitee of `link` and signs it in; with `registration.verify_email` it waits for the
    /// [proof](verification) of the address.
    ///
    /// # Errors
    /// [`ActivationFault`] says what the person can do. Nothing has changed, but for
    /// [`HasAccount`](ActivationFault::HasAccount).
    pub async fn activate(
        &self,
        link: &TokenHash,
        name: &str,
        password: &Secret,
        peer: IpAddr,
    ) -> Result<Answer, ActivationFault> {
        let invitation = self.open_invitation(link)?;
        if invitation.value.internal {
            return Err(ActivationFault::Colleague);
        }
        if let Some(applicant) = self.applicant(&invitation.value)? {
            return Ok(Answer::Applied(applicant.value));
        }
        let address = &invitation.value.invitee.address;
        if self.accounts.by_address(address)?.is_some() {
            return self.join(link, peer).await;
        }
        let name = display_name(name)?;
        let organisation = &self.rules.organisation;
        let hash = match self.passwords.choose(password, &address.to_string(), name, organisation).await {
            Err(HashFault::Busy) => return Err(ActivationFault::Busy),
            hash => hash.map_err(internal("hashing a new password"))??,
        };

        for _ in 0..ROUNDS_MAX {
            // Read anew each time: while the password was hashed, somebody may have been faster.
            let invitation = self.open_invitation(link)?;
            if self.accounts.by_address(&invitation.value.invitee.address)?.is_some() {
                return self.join(link, peer).await;
            }
            let invitee = Mailbox::named(name, invitation.value.invitee.address.clone());
            let credential = Credential::Password(hash.clone());
            if self.rules.switches.now().verify_email {
                if let Some(applicant) = self.apply(&invitation, invitee, credential, peer).await? {
                    return Ok(Answer::Applied(applicant));
                }
                continue;
            }
            let account = self.account_for(&invitation.value, invitee, credential);
            if let Some(activated) = self.open(Batch::new(), &invitation, account).await? {
                let guest = &activated.account.mailbox.address;
                audit::record(&Event::Activated { invitation: invitation.value.id, guest, peer });
                return Ok(Answer::Opened(activated));
            }
        }
        Err(internal("accepting an invitation")(CommitError::Conflict))
    }

    /// The address has an account already: the invitation ends with it, and a guest gets one more contact. Never gives
    /// an account, for nobody has proved here to be its owner.
    async fn join(&self, link: &TokenHash, peer: IpAddr) -> Result<Answer, ActivationFault> {
        for _ in 0..ROUNDS_MAX {
            let invitation = self.open_invitation(link)?;
            let account = self.accounts.by_address(&invitation.value.invitee.address)?;
            let Some(guest) = account.filter(|account| account.value.kind == Kind::Guest) else {
                return Err(ActivationFault::HasAccount);
            };
            if self.add_contact(&invitation, &guest).await? {
                let (invitation, guest) = (invitation.value.id, &guest.value.mailbox.address);
                audit::record(&Event::Activated { invitation, guest, peer });
                return Err(ActivationFault::HasAccount);
            }
        }
        Err(internal("accepting an invitation")(CommitError::Conflict))
    }

    /// The invitation of a link that may be used.
    fn open_invitation(&self, link: &TokenHash) -> Result<Stored<Invitation>, ActivationFault> {
        match self.look(link)? {
            Standing::Open(invitation) => Ok(invitation),
            closed => Err(ActivationFault::Standing(Box::new(closed))),
        }
    }

    fn account_for(&self, invitation: &Invitation, mailbox: Mailbox, credential: Credential) -> Account {
        Account {
            id: AccountId::fresh(),
            kind: Kind::Guest,
            mailbox,
            aliases: Vec::new(),
            credential,
            rights: Rights::default(),
            locked: false,
            created: self.clock.now(),
            inviters: vec![invitation.inviter.clone()],
            language: invitation.language,
        }
    }

    /// Everything that an activation changes, and what is in `batch` already, in one commit. `None` where somebody else
    /// was first.
    async fn open(
        &self,
        mut batch: Batch,
        invitation: &Stored<Invitation>,
        account: Account,
    ) -> Result<Option<Activated>, ActivationFault> {
        let now = self.clock.now();
        let session = Token::fresh().map_err(internal("making a session"))?;
        let csrf = Token::fresh().map_err(internal("making a session"))?.reveal().to_owned();
        if !self.invites.mark_accepted(&mut batch, invitation, now, account.id)? {
            return Ok(None);
        }
        self.accounts.insert(&mut batch, &account)?;
        let record = Session {
            account: account.id,
            address: account.mailbox.address.clone(),
            started: now,
            ends: now + self.rules.session_lifetime,
            csrf,
            origin: None,
        };
        self.accounts.start_session(&mut batch, &session, &record)?;
        let accepted =
            self.notices.accepted(&mut batch, &invitation.value, &account).await.map_err(unwritten)?;
        let welcome =
            self.notices.welcome(&mut batch, &invitation.value, &account).await.map_err(unwritten)?;

        match self.queue.commit(batch, vec![accepted, welcome]).await {
            Ok(()) => Ok(Some(Activated { account, session })),
            Err(CommitError::Conflict) => Ok(None),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }

    /// Everything that a further invitation changes for a guest, in one commit. False where somebody else was first.
    async fn add_contact(
        &self,
        invitation: &Stored<Invitation>,
        guest: &Stored<Account>,
    ) -> Result<bool, ActivationFault> {
        let mut batch = Batch::new();
        let now = self.clock.now();
        if !self.invites.mark_accepted(&mut batch, invitation, now, guest.value.id)? {
            return Ok(false);
        }
        let with_contact = guest.value.with_inviter(&invitation.value.inviter);
        self.accounts.replace(&mut batch, guest, &with_contact)?;
        let accepted = self.notices.accepted(&mut batch, &invitation.value, &with_contact).await;
        let accepted = accepted.map_err(unwritten)?;
        match self.queue.commit(batch, vec![accepted]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }
}

/// Notes in the log what went wrong on our side; the person is only told that something did.
fn internal<E: Error + 'static>(doing: &'static str) -> impl FnOnce(E) -> ActivationFault {
    move |fault| {
        error!(fault = &fault as &dyn Error, "{doing} failed");
        ActivationFault::Internal
    }
}

/// A notice that cannot be kept is the store's fault, one that cannot be written is ours.
fn unwritten(fault: NoticeFault) -> ActivationFault {
    match fault {
        NoticeFault::Store(fault) => ActivationFault::Store(fault),
        NoticeFault::Keep(fault) => ActivationFault::Store(StoreFault::Io(fault)),
        NoticeFault::Render(fault) => internal("writing a notice")(fault),
        NoticeFault::Sign(fault) => internal("signing a notice")(fault),
    }
}
