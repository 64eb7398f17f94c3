//! The proof that an applicant reads mail at the invited address (`registration.verify_email`).
//!
//! ```text
//! form ──▶ applicant, mail ──▶ page with one button ──▶ account, session, notices
//!              │    ▲ └─ "send it again", at most once a minute
//!              └────┘   after two days without the button: as if the form had never been sent
//! ```
//! Looking at the page changes nothing. The button works once, whoever presses it how often; until then the invitation
//! is open, and its inviter hears of nothing.

use std::net::IpAddr;
use std::time::Duration;

use crate::accounts::Credential;
use crate::accounts::applicants::Applicant;
use crate::accounts::words::{Purpose, Word};
use crate::audit::{self, Deed, Event};
use crate::base::clock::{Lifespan, Timestamp};
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Token, TokenHash};
use crate::invites::{Invitation, State};
use crate::registration::{Activated, ActivationFault, ROUNDS_MAX, Registration, internal, unwritten};
use crate::store::{Batch, CommitError, StoreFault, Stored};

/// How long a mail's link is valid.
const VALID: Lifespan = Lifespan::days(2);
/// From one mail to the next.
const AGAIN_AFTER: Duration = Duration::from_mins(1);
/// Mails to one applicant: whoever has found none of them will not find the next, and nobody shall be buried in them.
const MAILS_MAX: u32 = 10;

/// What "send it again" did.
#[derive(Debug)]
pub enum Again {
    /// A mail is on its way.
    Sent(Applicant),
    /// The last one was sent less than a minute ago.
    TooSoon(Applicant),
    /// There were many.
    TooMany(Applicant),
    /// Nobody waits behind this link: it leads elsewhere.
    Nobody,
}

/// What the link in an applicant's mail leads to.
#[derive(Debug)]
pub enum Verifying {
    /// To the button.
    Open(Applicant),
    /// The account is open.
    Done(Mailbox),
    /// The inviter took the invitation back meanwhile.
    Withdrawn(Mailbox),
    /// It came too late.
    TooOld(Mailbox),
    /// We did not make this link.
    Unknown,
}

/// What the button did.
#[derive(Debug)]
pub enum Verified {
    /// The account is open and signed in.
    Opened(Activated),
    /// Nothing: it had done its work, or could not.
    Not(Verifying),
}

/// All that a verification needs.
struct Open {
    word: Stored<Word>,
    applicant: Stored<Applicant>,
    invitation: Stored<Invitation>,
}

impl Registration {
    /// Who has filled in the form of this invitation's address and has still to prove it.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn applicant(&self, invitation: &Invitation) -> Result<Option<Stored<Applicant>>, StoreFault> {
        self.accounts.applicant(&invitation.invitee.address, self.clock.now())
    }

    /// Keeps what was filled in, and sends the mail. `None` where somebody else was first.
    pub(super) async fn apply(
        &self,
        invitation: &Stored<Invitation>,
        mailbox: Mailbox,
        credential: Credential,
        peer: IpAddr,
    ) -> Result<Option<Applicant>, ActivationFault> {
        let now = self.clock.now();
        let ends = now + VALID.duration();
        let invited_by = invitation.value.id;
        let applicant = Applicant { invitation: invited_by, mailbox, credential, sent: now, mails: 1, ends };
        let mut batch = Batch::new();
        self.accounts.apply(&mut batch, &applicant)?;
        if !self.send(batch, &applicant, &invitation.value).await? {
            return Ok(None);
        }
        let whom = &applicant.mailbox.address;
        audit::record(&Event::Account { deed: Deed::Applied, whom, by: "link", peer: Some(peer) });
        Ok(Some(applicant))
    }

    /// Sends the mail to the applicant behind `link` once more.
    ///
    /// # Errors
    /// [`ActivationFault`], where nothing was sent because of a fault.
    pub async fn send_again(&self, link: &TokenHash) -> Result<Again, ActivationFault> {
        for _ in 0..ROUNDS_MAX {
            let invitation = self.open_invitation(link)?.value;
            let Some(old) = self.applicant(&invitation)? else {
                return Ok(Again::Nobody);
            };
            let now = self.clock.now();
            if now < old.value.sent + AGAIN_AFTER {
                return Ok(Again::TooSoon(old.value));
            }
            if old.value.mails >= MAILS_MAX {
                return Ok(Again::TooMany(old.value));
            }
            let (mails, ends) = (old.value.mails + 1, now + VALID.duration());
            let applicant = Applicant { sent: now, mails, ends, ..old.value.clone() };
            let mut batch = Batch::new();
            self.accounts.apply_again(&mut batch, &old, &applicant)?;
            if self.send(batch, &applicant, &invitation).await? {
                return Ok(Again::Sent(applicant));
            }
        }
        Err(internal("sending a mail again")(CommitError::Conflict))
    }

    /// What the word in an applicant's mail leads to. Changes nothing.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn verifying(&self, word: &TokenHash) -> Result<Verifying, StoreFault> {
        Ok(match self.verification(word)? {
            Ok(open) => Verifying::Open(open.applicant.value),
            Err(closed) => closed,
        })
    }

    /// The button: opens the account of the applicant and signs it in.
    ///
    /// # Errors
    /// [`ActivationFault`]; then nothing has changed.
    pub async fn verify(&self, word: &TokenHash, peer: IpAddr) -> Result<Verified, ActivationFault> {
        for _ in 0..ROUNDS_MAX {
            let open = match self.verification(word)? {
                Ok(open) => open,
                Err(closed) => return Ok(Verified::Not(closed)),
            };
            let mut batch = Batch::new();
            self.accounts.use_word(&mut batch, word, &open.word)?;
            self.accounts.remove_applicant(&mut batch, &open.applicant)?;
            let Applicant { mailbox, credential, .. } = open.applicant.value;
            let account = self.account_for(&open.invitation.value, mailbox, credential);
            if let Some(activated) = self.open(batch, &open.invitation, account).await? {
                let (invitation, guest) = (open.invitation.value.id, &activated.account.mailbox.address);
                audit::record(&Event::Activated { invitation, guest, peer });
                return Ok(Verified::Opened(activated));
            }
        }
        Err(internal("verifying an address")(CommitError::Conflict))
    }

    fn verification(&self, hash: &TokenHash) -> Result<Result<Open, Verifying>, StoreFault> {
        let Some(word) = self.accounts.word(hash)? else {
            return Ok(Err(Verifying::Unknown));
        };
        let Purpose::Verify(address) = &word.value.purpose else {
            return Ok(Err(Verifying::Unknown));
        };
        // By this word, by another mail's, or by another invitation.
        if let Some(account) = self.accounts.by_address(address)? {
            return Ok(Err(Verifying::Done(account.value.mailbox)));
        }
        let now: Timestamp = self.clock.now();
        let applicant =
            self.accounts.applicant(address, now)?.filter(|_| word.value.ends > now && !word.value.used);
        let Some(applicant) = applicant else {
            return Ok(Err(Verifying::TooOld(address.clone().into())));
        };
        let invitation = self.invites.by_id(applicant.value.invitation)?;
        Ok(match invitation.filter(|invitation| !matches!(invitation.value.state, State::Withdrawn { .. })) {
            Some(invitation) => Ok(Open { word, applicant, invitation }),
            None => Err(Verifying::Withdrawn(applicant.value.mailbox)),
        })
    }

    /// The mail, and what is in `batch` already, in one commit. False where somebody else was first.
    async fn send(
        &self,
        mut batch: Batch,
        applicant: &Applicant,
        invitation: &Invitation,
    ) -> Result<bool, ActivationFault> {
        let word = Token::fresh().map_err(internal("making a link"))?;
        let purpose = Purpose::Verify(applicant.mailbox.address.clone());
        self.accounts.keep_word(&mut batch, &word, purpose, applicant.ends)?;
        let (to, inviter) = (&applicant.mailbox, &invitation.inviter);
        let sent = self.notices.verification(&mut batch, to, inviter, &word, VALID.in_days()).await;
        match self.queue.commit(batch, vec![sent.map_err(unwritten)?]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(CommitError::Store(fault)) => Err(fault.into()),
        }
    }
}
