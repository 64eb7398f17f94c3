//! The mails Postern writes in its own name, from the templates `mail/NAME/{subject.txt,body.txt,body.html}`.
//!
//! A notice is a message like any other: kept in the spool, put into the same batch as the change it tells of, and
//! delivered by the queue. It leaves with `<>` as its sender, so that it is never answered and never bounces
//! (RFC 3834 §2), and it hangs in the thread of the mail that caused it.

pub mod answer;
pub mod fate;
mod files;
mod links;
pub mod person;
pub mod preview;
mod receipt;
pub mod takeover;

use std::sync::Arc;

use memchr::memmem;
use serde::Serialize;
use thiserror::Error;

use crate::accounts::Account;
use crate::base::address::{Domain, ReversePath};
use crate::base::clock::{Clock, Timestamp};
use crate::base::id::{InvitationId, MessageId};
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::config;
use crate::invites::Invitation;
use crate::invites::addresses::Addresses;
use crate::invites::seal::Sealed;
use crate::mail::compose::{Attachment, Enclosed, Notice};
use crate::mail::dkim::{SignFault, Signer};
use crate::queue::{Admission, Envelope, Kind, Message, Queue};
use crate::smtp::parameter::{BodyType, MailParameters, RcptParameters};
use crate::store::spool::Spool;
use crate::store::{Batch, StoreFault};
use crate::template::{RenderFault, Shelf};

/// Writes notices. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    queue: Queue,
    spool: Spool,
    templates: Shelf,
    clock: Arc<dyn Clock>,
    signer: Signer,
    /// Where they can be answered; nowhere if there are none.
    addresses: Option<Addresses>,
    writer: Arc<Writer>,
}

/// In whose name they are written.
struct Writer {
    from: Mailbox,
    organisation: String,
    host: Domain,
    portal: String,
    language: Language,
}

/// Why a notice was not written.
#[derive(Debug, Error)]
pub enum NoticeFault {
    /// The batch could not take it.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The spool could not take it.
    #[error("keeping the notice failed")]
    Keep(#[from] std::io::Error),
    /// A key.
    #[error(transparent)]
    Sign(#[from] SignFault),
    /// A template could not be filled in.
    #[error(transparent)]
    Render(#[from] RenderFault),
}

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    inviter: Person<'a>,
    guest: Person<'a>,
    /// Where guests sign in.
    portal: &'a str,
    /// Of the inviter's mail.
    subject: &'a str,
}

/// To whom a notice goes, and where it belongs.
struct Letter<'a> {
    to: &'a Mailbox,
    /// The mail whose thread it hangs in.
    in_reply_to: Option<&'a str>,
    /// The invitation whose link it carries, which hears of what becomes of it.
    invitation: Option<InvitationId>,
    /// What an answer to it is about.
    answer: Option<Sealed>,
    /// Messages that it encloses.
    enclosed: &'a [Enclosed],
    /// What its reader reads; `None` is the organisation's.
    language: Option<Language>,
}

#[derive(Serialize)]
struct Organisation<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Person<'a> {
    name: Option<&'a str>,
    address: String,
}

impl Notices {
    /// A writer of notices from `organisation`, about the portal at `web`.
    #[must_use]
    pub fn new(
        queue: Queue,
        spool: Spool,
        templates: Shelf,
        clock: Arc<dyn Clock>,
        server: &config::Server,
        organisation: &config::Organisation,
        web: &config::Web,
    ) -> Self {
        let writer = Writer {
            from: Mailbox::named(&organisation.name, organisation.notice_address.clone()),
            organisation: organisation.name.clone(),
            host: server.hostname.clone(),
            portal: web.public_url.clone(),
            language: organisation.language,
        };
        let (signer, writer) = (Signer::none(), Arc::new(writer));
        Self { queue, spool, templates, clock, signer, addresses: None, writer }
    }

    /// The same writer, with keys to sign by.
    #[must_use]
    pub fn signed_by(self, signer: Signer) -> Self {
        Self { signer, ..self }
    }

    /// The same writer, whose notices can be answered with commands.
    #[must_use]
    pub fn answered_at(self, addresses: Addresses) -> Self {
        Self { addresses: Some(addresses), ..self }
    }

    /// "… has accepted your invitation", to the inviter, in the thread of the inviter's mail. It is in `batch`; hand
    /// the admission to [`Queue::admit`] after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn accepted(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        guest: &Account,
    ) -> Result<Admission, NoticeFault> {
        let context = self.context(invitation, guest);
        let letter = Letter::to(&invitation.inviter).in_thread_of(invitation);
        self.write(batch, "accepted", letter, &context).await
    }

    /// "Welcome", to the guest. It is in `batch`; hand the admission to [`Queue::admit`] after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn welcome(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        guest: &Account,
    ) -> Result<Admission, NoticeFault> {
        let context = self.context(invitation, guest);
        self.write(batch, "welcome", Letter::to(&guest.mailbox).in_language(guest.language), &context).await
    }

    /// Where they can be answered; `None` if nowhere.
    #[must_use]
    pub const fn addresses(&self) -> Option<&Addresses> {
        self.addresses.as_ref()
    }

    /// A moment in this language, or in the organisation's: `8 December 2026, 13:45 UTC`.
    fn moment(&self, language: Option<Language>, at: Timestamp) -> String {
        self.templates.current().moment(language.unwrap_or(self.writer.language), at)
    }

    async fn write<C: Serialize + Sync>(
        &self,
        batch: &mut Batch,
        name: &str,
        letter: Letter<'_>,
        context: &C,
    ) -> Result<Admission, NoticeFault> {
        self.write_with(batch, name, letter, context, Vec::new()).await
    }

    /// The same with files beside the text.
    async fn write_with<C: Serialize + Sync>(
        &self,
        batch: &mut Batch,
        name: &str,
        letter: Letter<'_>,
        context: &C,
        attachments: Vec<Attachment>,
    ) -> Result<Admission, NoticeFault> {
        let Letter { to, in_reply_to, invitation, answer, enclosed, language } = letter;
        let language = language.unwrap_or(self.writer.language);
        let id = MessageId::fresh();
        let now = self.clock.now();
        let templates = self.templates.current();
        let render = |part: &str| templates.render(&format!("mail/{name}/{part}"), language, context);
        let reply_to =
            answer.zip(self.addresses.as_ref()).and_then(|(about, addresses)| addresses.reply_to(about));
        let octets = Notice {
            id,
            from: &self.writer.from,
            to,
            reply_to: reply_to.as_ref(),
            subject: &render("subject.txt")?,
            text: &render("body.txt")?,
            html: &render("body.html")?,
            in_reply_to,
            references: &[],
            host: &self.writer.host,
            at: now,
            enclosed,
        }
        .message_with(attachments);
        drop(templates);

        let octets = self.signer.own(octets, self.writer.from.address.domain(), now)?;
        let header_len = memmem::find(&octets, b"\r\n\r\n").map_or(octets.len(), |end| end + 4);
        let parameters = MailParameters {
            body: if octets.is_ascii() { BodyType::SevenBit } else { BodyType::EightBitMime },
            smtputf8: [&to.address, &self.writer.from.address].iter().any(|address| address.needs_utf8()),
            ..MailParameters::default()
        };
        let body = self.spool.keep(octets).await?;
        let message = Message {
            id,
            kind: Kind::Own,
            body: body.reference(),
            sender: ReversePath::Null,
            parameters,
            received: now,
            header_len: header_len as u64,
        };
        let envelope = Envelope {
            recipient: to.address.clone(),
            parameters: RcptParameters::default(),
            edits: None,
            invitation,
        };
        Ok(self.queue.add(batch, &message, &[envelope], &[body])?)
    }

    fn context<'a>(&'a self, invitation: &'a Invitation, guest: &'a Account) -> Context<'a> {
        Context {
            organisation: Organisation { name: &self.writer.organisation },
            inviter: Person::from(&invitation.inviter),
            guest: Person::from(&guest.mailbox),
            portal: &self.writer.portal,
            subject: &invitation.subject,
        }
    }
}

impl<'a> Letter<'a> {
    const fn to(to: &'a Mailbox) -> Self {
        Self { to, in_reply_to: None, invitation: None, answer: None, enclosed: &[], language: None }
    }

    /// An answer to it is a command about this.
    const fn answered(self, about: Sealed) -> Self {
        Self { answer: Some(about), ..self }
    }

    fn in_language(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    fn in_thread_of(self, invitation: &'a Invitation) -> Self {
        Self { in_reply_to: invitation.message_id.as_deref(), ..self }
    }
}

impl<'a> From<&'a Mailbox> for Person<'a> {
    fn from(mailbox: &'a Mailbox) -> Self {
        Self { name: mailbox.name.as_deref(), address: mailbox.address.to_string() }
    }
}
