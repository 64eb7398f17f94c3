//! What one mail has invited: the receipt that its inviter may see on a page, get by mail, and answer with a command.
//!
//! One is kept for every mail that invites, in the same commit as its invitations. It says what was sent; how each
//! invitation stands since then is in the invitation itself.

use serde::{Deserialize, Serialize};

use crate::base::clock::{Lifespan, Timestamp};
use crate::base::id::{InvitationId, MessageId};
use crate::base::mailbox::Mailbox;
use crate::invites::Invites;
use crate::store::schema;
use crate::store::{Batch, StoreFault, Table};

pub(super) const RECEIPTS: Table<MessageId, Receipt> = Table::new(schema::RECEIPTS);

/// Characters that are kept of a file's name.
const NAME_MAX: usize = 255;

/// What was sent to whom, until when, with which attachments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The inviter's mail, as `intake::submission::Accepted` names it.
    pub id: MessageId,
    /// Who invited.
    pub inviter: Mailbox,
    /// Of the mail.
    pub subject: String,
    /// Of the mail, so that what is said about it hangs in its thread.
    pub message_id: Option<String>,
    /// When the mail was accepted.
    pub accepted: Timestamp,
    /// How long the links live from the moment the mail is sent.
    pub lifespan: Lifespan,
    /// The people who were invited, in the order in which the mail named them.
    pub invitees: Vec<Invitee>,
    /// Colleagues, who got a copy without a link.
    pub courtesy: Vec<Mailbox>,
    /// Its attachments, in their order.
    pub attachments: Vec<Attachment>,
}

/// One person whom the mail invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitee {
    /// Their invitation.
    pub invitation: InvitationId,
    /// Name, if the mail had one, and address.
    pub mailbox: Mailbox,
    /// Whether they had an account already, and so were asked to sign in.
    pub has_account: bool,
}

/// A file that went with the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name; empty where the mail gave none.
    pub name: String,
    /// Its octets, decoded; see `mail::attachments`.
    pub octets: u64,
}

impl Attachment {
    /// A file of this name, as far as a receipt keeps it.
    #[must_use]
    pub fn new(name: &str, octets: u64) -> Self {
        Self { name: name.chars().take(NAME_MAX).collect(), octets }
    }
}

impl Receipt {
    /// The last day on which the links work, if the mail leaves at once; later where it has to wait.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        self.accepted + self.lifespan.duration()
    }
}

impl Invites {
    /// Keeps a receipt beside the invitations that it names.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn keep_receipt(&self, batch: &mut Batch, receipt: &Receipt) -> Result<(), StoreFault> {
        RECEIPTS.insert(batch, &receipt.id, receipt)
    }

    /// Whether none of these invitations is remembered.
    pub(super) fn names_none(&self, invitees: &[Invitee]) -> Result<bool, StoreFault> {
        for invitee in invitees {
            if self.by_id(invitee.invitation)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The receipt of a mail; `None` where it invited nobody.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn receipt(&self, mail: MessageId) -> Result<Option<Receipt>, StoreFault> {
        Ok(RECEIPTS.get(&self.store, &mail)?.map(|receipt| receipt.value))
    }
}
