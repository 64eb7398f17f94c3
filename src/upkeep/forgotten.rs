//! Forgotten passwords: a question, a mail with a link, a new password.
//!
//! Whether there is an account is not to be told from outside: the question is only noted, and answered at once; the
//! [`Clerk`] looks into the book and writes the mail afterwards. An account without a password here, or a locked one,
//! gets a mail that says so, and no link. A link is valid for one hour, works once, and only in place of the very
//! password that was forgotten.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::mpsc;
use tracing::warn;

use crate::accounts::words::{Purpose, Word};
use crate::accounts::{Account, Credential};
use crate::audit::{self, Deed, Event};
use crate::base::address::Address;
use crate::base::mailbox::Mailbox;
use crate::base::secret::{Secret, Token, TokenHash};
use crate::net::lifecycle::Lifecycle;
use crate::net::throttle::{Failures, one_site};
use crate::notices::person::AboutAccount;
use crate::store::{Batch, StoreFault, Stored};
use crate::upkeep::{Upkeep, UpkeepFault, internal};

/// How long a link is valid.
const VALID: Duration = Duration::from_hours(1);
/// Questions that wait for the clerk, who needs a few milliseconds for each.
const WAITING_MAX: usize = 64;

/// Takes questions, and new passwords. Cheap to clone.
#[derive(Clone)]
pub struct Forgotten {
    upkeep: Upkeep,
    questions: mpsc::Sender<Question>,
    asked_for: Failures,
    asked_by: Failures,
}

/// Answers the questions, one after another.
pub struct Clerk {
    upkeep: Upkeep,
    questions: mpsc::Receiver<Question>,
}

struct Question {
    address: Address,
    peer: IpAddr,
}

/// Why a question was not taken: the same whether or not there is an account.
#[derive(Debug, Error)]
pub enum QuestionFault {
    /// Too many for this address, or from this peer.
    #[error("it was asked too often")]
    Throttled(Duration),
    /// Too many wait.
    #[error("too many questions wait")]
    Busy,
}

impl Forgotten {
    /// The two ends. Each question counts like a failed sign-in, for its address and for its peer.
    #[must_use]
    pub fn new(upkeep: Upkeep, asked_for: Failures, asked_by: Failures) -> (Self, Clerk) {
        let (questions, asked) = mpsc::channel(WAITING_MAX);
        let clerk = Clerk { upkeep: upkeep.clone(), questions: asked };
        (Self { upkeep, questions, asked_for, asked_by }, clerk)
    }

    /// Somebody has forgotten the password of an account, if there is one with this address.
    ///
    /// # Errors
    /// [`QuestionFault`]: ask again later.
    pub fn ask(&self, address: Address, peer: IpAddr) -> Result<(), QuestionFault> {
        let (key, site) = (address.key(), one_site(peer).to_string());
        if let Some(wait) = self.asked_for.wait(&key).max(self.asked_by.wait(&site)) {
            return Err(QuestionFault::Throttled(wait));
        }
        self.asked_for.failed(&key);
        self.asked_by.failed(&site);
        self.questions.try_send(Question { address, peer }).map_err(|_| QuestionFault::Busy)
    }

    /// Whose password a link sets; `None` where it opens nothing any more. Changes nothing.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn look(&self, word: &TokenHash) -> Result<Option<Mailbox>, StoreFault> {
        Ok(self.behind(word)?.map(|(_, account)| account.mailbox))
    }

    /// Sets the new password, and ends all sessions of the account.
    ///
    /// # Errors
    /// [`UpkeepFault::Over`] where the link opens nothing any more; [`UpkeepFault::Password`] where the password is not
    /// good enough, and the link still works.
    pub async fn reset(&self, hash: &TokenHash, next: &Secret, peer: IpAddr) -> Result<(), UpkeepFault> {
        let Some((_, account)) = self.behind(hash)? else {
            return Err(UpkeepFault::Over);
        };
        let phc = self.upkeep.hashed(&account, next).await?;
        // Read anew: while the password was hashed, somebody may have been faster.
        let begun = || {
            let (word, _) = self.behind(hash)?.ok_or(UpkeepFault::Over)?;
            let mut batch = Batch::new();
            self.upkeep.parts.accounts.use_word(&mut batch, hash, &word)?;
            Ok(batch)
        };
        self.upkeep.set_password(begun, account.id, &account.credential, phc, None, "link", peer).await
    }

    fn behind(&self, hash: &TokenHash) -> Result<Option<(Stored<Word>, Account)>, StoreFault> {
        let parts = &self.upkeep.parts;
        let Some(word) = parts.accounts.word(hash)? else {
            return Ok(None);
        };
        let Purpose::Reset { account, forgotten } = &word.value.purpose else {
            return Ok(None);
        };
        if word.value.used || word.value.ends <= parts.clock.now() {
            return Ok(None);
        }
        let account = parts.accounts.by_id(*account)?.map(|account| account.value);
        let still =
            |account: &Account| !account.locked && account.credential.password() == Some(forgotten.as_str());
        Ok(account.filter(still).map(|account| (word, account)))
    }
}

impl Clerk {
    /// Answers until the lifecycle stops. A question that cannot be answered is in the log; the person asks again.
    pub async fn run(mut self, lifecycle: Lifecycle) {
        loop {
            let question = tokio::select! {
                () = lifecycle.stopping() => return,
                question = self.questions.recv() => question,
            };
            let Some(question) = question else { return };
            if let Err(fault) = self.answer(&question).await {
                warn!(%fault, account = question.address.masked(), "a forgotten password got no answer");
            }
        }
    }

    async fn answer(&self, question: &Question) -> Result<(), UpkeepFault> {
        let parts = &self.upkeep.parts;
        let Some(account) = parts.accounts.by_address(&question.address)?.map(|account| account.value) else {
            return Ok(());
        };
        let mut batch = Batch::new();
        let mail = match &account.credential {
            Credential::Password(phc) if !account.locked => {
                let word = Token::fresh().map_err(|fault| internal("making a link")(&fault))?;
                let purpose = Purpose::Reset { account: account.id, forgotten: phc.clone() };
                parts.accounts.keep_word(&mut batch, &word, purpose, parts.clock.now() + VALID)?;
                parts.notices.about_account(&mut batch, &account, AboutAccount::Reset(&word)).await?
            }
            _ => parts.notices.about_account(&mut batch, &account, AboutAccount::NoReset).await?,
        };
        self.upkeep.committed(batch, vec![mail]).await?;
        let (whom, peer) = (&account.mailbox.address, Some(question.peer));
        audit::record(&Event::Account { deed: Deed::PasswordForgotten, whom, by: "link", peer });
        Ok(())
    }
}
