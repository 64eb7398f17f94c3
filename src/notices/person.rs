//! The mails to a person about the person's own account: they hang in no thread, and nobody else gets them.

use serde::Serialize;

use crate::accounts::Account;
use crate::base::clock::Timestamp;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Token;
use crate::invites::Invitation;
use crate::notices::{Letter, NoticeFault, Notices, Organisation, Person};
use crate::queue::Admission;
use crate::store::Batch;

/// Which mail. For each there is a folder of templates.
#[derive(Clone, Copy, Debug)]
pub enum AboutAccount<'a> {
    /// The link to the page where a new password is chosen.
    Reset(&'a Token),
    /// There is no new password to be had here: the account is locked, or has none.
    NoReset,
    /// There is another password now.
    PasswordChanged,
    /// Nobody has used the account for long, and it ends at this moment.
    Ending(Timestamp),
    /// The person who has invited is gone, and the account ends at this moment.
    SponsorLeft(Timestamp),
    /// The account is gone, because nobody answered for it any more.
    SponsorGone,
    /// The account is gone: because nobody has used it, or because the person wished it.
    Farewell {
        /// Nobody has used it.
        unused: bool,
    },
}

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    person: Person<'a>,
    link: String,
    /// Where guests sign in.
    portal: &'a str,
    /// The moment that the mail is about, as people read it.
    at: String,
    locked: bool,
    /// The last one who invited.
    contact: Option<String>,
    unused: bool,
}

/// What the templates of the mail to an applicant may name.
#[derive(Serialize)]
struct Verification<'a> {
    organisation: Organisation<'a>,
    person: Person<'a>,
    inviter: Person<'a>,
    link: &'a str,
    days: u32,
}

impl Notices {
    /// "Please confirm your address", to an applicant. It is in `batch`; hand the admission to
    /// [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn verification(
        &self,
        batch: &mut Batch,
        applicant: &Mailbox,
        invitation: &Invitation,
        word: &Token,
        days: u32,
    ) -> Result<Admission, NoticeFault> {
        let context = Verification {
            organisation: Organisation { name: &self.writer.organisation },
            person: Person::from(applicant),
            inviter: Person::from(&invitation.inviter),
            link: &self.address("verify", word),
            days,
        };
        let letter = Letter::to(applicant).in_language(invitation.language);
        self.write(batch, "verify", letter, &context).await
    }

    /// A mail to somebody about the account. It is in `batch`; hand the admission to
    /// [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn about_account(
        &self,
        batch: &mut Batch,
        account: &Account,
        what: AboutAccount<'_>,
    ) -> Result<Admission, NoticeFault> {
        let (name, at) = match what {
            AboutAccount::Reset(_) => ("reset", self.clock.now()),
            AboutAccount::NoReset => ("no-reset", self.clock.now()),
            AboutAccount::PasswordChanged => ("password-changed", self.clock.now()),
            AboutAccount::Ending(at) => ("account-ending", at),
            AboutAccount::SponsorLeft(at) => ("sponsor-left", at),
            AboutAccount::SponsorGone => ("sponsor-gone", self.clock.now()),
            AboutAccount::Farewell { .. } => ("farewell", self.clock.now()),
        };
        let link = match what {
            AboutAccount::Reset(word) => self.address("reset", word),
            _ => String::new(),
        };
        let context = Context {
            organisation: Organisation { name: &self.writer.organisation },
            person: Person::from(&account.mailbox),
            link,
            portal: &self.writer.portal,
            at: self.moment(account.language, at),
            locked: account.locked,
            contact: account.inviters.last().map(|inviter| inviter.address.to_string()),
            unused: matches!(what, AboutAccount::Farewell { unused: true }),
        };
        let letter = Letter::to(&account.mailbox).in_language(account.language);
        self.write(batch, name, letter, &context).await
    }
}
