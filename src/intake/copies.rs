//! The copies of one invitation: who gets which edits on the sender's own mail.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::{RandomFailed, Token};
use crate::intake::Policy;
use crate::intake::guest::{Books, Guest, Invited};
use crate::intake::sorting::{Guestlist, Whom};
use crate::intake::submission::Recipient;
use crate::invites::{Invitation, Life, State};
use crate::mail::complete;
use crate::mail::dkim::{SignFault, Signer};
use crate::mail::edit::Edits;
use crate::mail::message::Facts;
use crate::mail::outline::Outline;
use crate::mail::rewrite::{self, Blocks, How, RewriteFault, Rewritten};
use crate::store::StoreFault;
use crate::store::spool::Body;
use crate::template::{RenderFault, Templates};

/// All that is needed to write the copies, so that a thread of its own can do it.
pub struct Copies {
    /// Who invites: the author of the mail.
    pub inviter: Mailbox,
    /// The sender's mail.
    pub body: Body,
    /// Its structure.
    pub outline: Outline,
    /// Its header.
    pub facts: Facts,
    /// The subject of the invitation; differs from the mail's where that is blank and filled in.
    pub subject: String,
    /// Who gets what.
    pub list: Guestlist,
    /// How long the links live.
    pub lifespan: Lifespan,
    /// What the configuration says.
    pub policy: Policy,
    /// The admin's texts.
    pub templates: Arc<Templates>,
    /// Signs each copy when nothing more changes it.
    pub signer: Signer,
    /// The present moment.
    pub now: Timestamp,
    /// In which an invitee may stand already.
    pub books: Books,
}

/// One recipient's copy.
pub struct Copy {
    /// Who gets it.
    pub recipient: Recipient,
    /// What it has that the sender's mail has not.
    pub edits: Edits,
    /// The invitation and its link; `None` for a colleague's courtesy copy.
    pub invitation: Option<Invited>,
    /// Whether the sender's mail stands unchanged inside it.
    pub is_wrapped: bool,
    /// Why editing failed its check, if only therefore the sender's mail was wrapped: worth an audit line.
    pub flaw: Option<String>,
}

/// Why the copies could not be written.
#[derive(Debug, Error)]
pub enum CopyFault {
    /// There is nothing to read in the message.
    #[error("the message has no visible text")]
    NoText,
    /// No randomness for a link.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// A template.
    #[error(transparent)]
    Render(#[from] RenderFault),
    /// The message itself.
    #[error(transparent)]
    Rewrite(#[from] RewriteFault),
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The spool.
    #[error("reading the message")]
    Read(#[from] std::io::Error),
    /// Two edits of one place: an error of the program.
    #[error("the edits of the header overlap")]
    Overlap,
    /// A key.
    #[error(transparent)]
    Sign(#[from] SignFault),
}

/// The names that the invitation's templates use.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    inviter: Person,
    invitee: Person,
    link: &'a str,
    days: u32,
    subject: &'a str,
    /// Whether the invitee has an account already, so that the link leads to the way in.
    has_account: bool,
}

#[derive(Serialize)]
struct Organisation<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Person {
    name: Option<String>,
    address: String,
}

impl Copies {
    /// Writes all copies, invitees first. Blocking: reads the spool.
    ///
    /// # Errors
    /// [`CopyFault`]; then nothing was kept.
    pub fn make(&self) -> Result<Vec<Copy>, CopyFault> {
        if !rewrite::has_visible_text(&self.body, &self.outline)? {
            return Err(CopyFault::NoText);
        }
        let Self { list: Guestlist { invitees, courtesy, .. }, .. } = self;
        let invited = invitees.iter().map(|invitee| self.invitation(invitee));
        let colleagues = courtesy.iter().map(|colleague| self.courtesy(colleague));
        invited.chain(colleagues).collect()
    }

    fn invitation(&self, invitee: &Recipient) -> Result<Copy, CopyFault> {
        let link = Token::fresh()?;
        let guest = self.books.guest(&self.inviter.address, &invitee.address, self.list.whom)?;
        let fresh = || (InvitationId::fresh(), self.now);
        let ((id, created), state) = match &guest {
            Guest::New => (fresh(), State::Queued),
            Guest::Pending(old) => ((old.value.id, old.value.created), State::Queued),
            // The account is there: nothing is left to accept.
            Guest::Known(account) => {
                (fresh(), State::Accepted { sent: None, at: self.now, account: account.value.id })
            }
        };
        let theirs = if let Guest::Known(account) = &guest { account.value.language } else { None };
        let invitation = Invitation {
            id,
            inviter: self.inviter.clone(),
            invitee: Mailbox { name: self.facts.name_of(&invitee.address), address: invitee.address.clone() },
            internal: self.list.whom == Whom::Colleagues,
            subject: self.subject.clone(),
            message_id: self.facts.message_id.clone(),
            lifespan: self.lifespan,
            created,
            state,
            life: Life::default(),
            language: self.list.wishes.language.or(theirs),
        };
        let invited = Invited { invitation, link, guest };
        let blocks = self.blocks(&invited)?;
        let Rewritten { edits, how, flaw } =
            rewrite::invite(&self.body, &self.outline, &blocks, &self.list.readdress)?;
        Ok(Copy {
            recipient: invitee.clone(),
            edits: self.completed(&edits)?,
            invitation: Some(invited),
            is_wrapped: matches!(how, How::Wrapped | How::WrappedAfterFailedCheck),
            flaw,
        })
    }

    fn courtesy(&self, colleague: &Recipient) -> Result<Copy, CopyFault> {
        let edits = rewrite::courtesy(&self.outline, &self.list.readdress).ok_or(CopyFault::Overlap)?;
        Ok(Copy {
            recipient: colleague.clone(),
            edits: self.completed(&edits)?,
            invitation: None,
            is_wrapped: false,
            flaw: None,
        })
    }

    /// Adds what the sender's header lacks and our mark, and signs.
    fn completed(&self, edits: &Edits) -> Result<Edits, CopyFault> {
        let (header, host) = (&self.outline.header, &self.policy.server.hostname);
        let missing = complete::missing(header, &self.facts, host, self.now);
        let mark = complete::loop_mark(header, host);
        let subject = self.facts.subject.is_empty().then(|| complete::subject(header, &self.subject));
        let all = edits.iter().cloned().chain(missing).chain([mark]).chain(subject).collect();
        let edits = Edits::new(all).ok_or(CopyFault::Overlap)?;
        Ok(self.signer.signed(&self.body, header, edits, &self.facts.author_domains(), self.now)?)
    }

    /// The admin's texts for one invitee.
    fn blocks(&self, invited: &Invited) -> Result<Blocks, RenderFault> {
        let Invited { invitation, link, guest } = invited;
        let has_account = matches!(guest, Guest::Known(_));
        let portal = &self.policy.web.public_url;
        let link = match (self.list.wishes.preview, has_account) {
            // No token is read from this word, so it leads to the page of a link that is not known.
            (true, _) => format!("{portal}/i/this-is-a-preview"),
            (false, true) => format!("{portal}/sign-in"),
            (false, false) => format!("{portal}/i/{}", link.reveal()),
        };
        let context = Context {
            organisation: Organisation { name: &self.policy.organisation.name },
            inviter: Person::from(&invitation.inviter),
            invitee: Person::from(&invitation.invitee),
            link: &link,
            days: invitation.lifespan.in_days(),
            subject: &invitation.subject,
            has_account,
        };
        let language = invitation.language.unwrap_or(self.policy.organisation.language);
        let folder = if invitation.internal { "mail/invitation-internal" } else { "mail/invitation" };
        let text = |part| self.templates.render(&format!("{folder}/{part}"), language, &context);
        Ok(Blocks {
            top_text: text("top.txt")?,
            top_html: text("top.html")?,
            bottom_text: text("bottom.txt")?,
            bottom_html: text("bottom.html")?,
            link: link.clone(),
        })
    }
}

impl From<&Mailbox> for Person {
    fn from(mailbox: &Mailbox) -> Self {
        Self { name: mailbox.name.clone(), address: mailbox.address.to_string() }
    }
}
