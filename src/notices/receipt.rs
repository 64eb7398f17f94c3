//! The receipt: what was sent to whom, until when, with which attachments.

use serde::Serialize;

use crate::base::size::Size;
use crate::invites::receipt::Receipt;
use crate::invites::seal::Sealed;
use crate::notices::{Letter, NoticeFault, Notices, Organisation, Person};
use crate::queue::Admission;
use crate::store::Batch;

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    inviter: Person<'a>,
    subject: &'a str,
    invitees: Vec<Invitee<'a>>,
    attachments: Vec<Attachment<'a>>,
    /// The last moment of the links, as a person writes it.
    until: String,
    days: u32,
}

#[derive(Serialize)]
struct Invitee<'a> {
    name: Option<&'a str>,
    address: String,
    has_account: bool,
}

#[derive(Serialize)]
struct Attachment<'a> {
    name: &'a str,
    /// With its unit.
    size: String,
}

impl Notices {
    /// The receipt by mail, to its inviter, in the thread of the inviter's mail. An answer to it is a command. It is in
    /// `batch`; hand the admission to [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn receipt(&self, batch: &mut Batch, receipt: &Receipt) -> Result<Admission, NoticeFault> {
        let letter = Letter { in_reply_to: receipt.message_id.as_deref(), ..Letter::to(&receipt.inviter) };
        let letter = letter.answered(Sealed::Receipt(receipt.id));
        let invitees = receipt.invitees.iter().map(|invitee| Invitee {
            name: invitee.mailbox.name.as_deref(),
            address: invitee.mailbox.address.to_string(),
            has_account: invitee.has_account,
        });
        let attachments = receipt.attachments.iter().map(|attachment| Attachment {
            name: &attachment.name,
            size: Size(attachment.octets).to_string(),
        });
        let context = Context {
            organisation: Organisation { name: &self.writer.organisation },
            inviter: Person::from(&receipt.inviter),
            subject: &receipt.subject,
            invitees: invitees.collect(),
            attachments: attachments.collect(),
            until: self.moment(None, receipt.valid_until()),
            days: receipt.lifespan.in_days(),
        };
        self.write(batch, "receipt", letter, &context).await
    }
}
