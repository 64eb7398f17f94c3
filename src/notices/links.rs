//! The mails that carry a link of an invitation after the first one.

use serde::Serialize;

use crate::base::secret::Token;
use crate::invites::Invitation;
use crate::notices::{Letter, NoticeFault, Notices, Organisation, Person};
use crate::queue::Admission;
use crate::store::Batch;

/// What the templates may name: the same as those of the invitation.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    inviter: Person<'a>,
    invitee: Person<'a>,
    link: &'a str,
    days: u32,
    subject: &'a str,
}

impl Notices {
    /// "Your new link", to the invited address and nobody else, in the thread of the invitation. It is in `batch`; hand
    /// the admission to [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn renewal(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        link: &Token,
    ) -> Result<Admission, NoticeFault> {
        let letter =
            Letter::to(&invitation.invitee).in_thread_of(invitation).in_language(invitation.language);
        let letter = Letter { invitation: Some(invitation.id), ..letter };
        self.write(batch, "renewal", letter, &self.link(invitation, &self.address("i", link))).await
    }

    /// "You have been invited", to the right address of an invitation whose own mail went to a wrong one. It is in
    /// `batch`; hand the admission to [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn corrected(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        link: &Token,
    ) -> Result<Admission, NoticeFault> {
        let letter =
            Letter::to(&invitation.invitee).in_thread_of(invitation).in_language(invitation.language);
        let letter = Letter { invitation: Some(invitation.id), ..letter };
        self.write(batch, "corrected", letter, &self.link(invitation, &self.address("i", link))).await
    }

    /// "… asks for a new link", to the inviter, with the link to a page with one button. It is in `batch`; hand the
    /// admission to [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn approval(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        word: &Token,
    ) -> Result<Admission, NoticeFault> {
        let letter = Letter::to(&invitation.inviter).in_thread_of(invitation);
        self.write(batch, "approval", letter, &self.link(invitation, &self.address("r", word))).await
    }

    pub(super) fn address(&self, page: &str, word: &Token) -> String {
        format!("{}/{page}/{}", self.writer.portal, word.reveal())
    }

    fn link<'a>(&'a self, invitation: &'a Invitation, link: &'a str) -> Context<'a> {
        Context {
            organisation: Organisation { name: &self.writer.organisation },
            inviter: Person::from(&invitation.inviter),
            invitee: Person::from(&invitation.invitee),
            link,
            days: invitation.lifespan.in_days(),
            subject: &invitation.subject,
        }
    }
}
