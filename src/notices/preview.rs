//! The preview of an invitation: what each invitee would get, and why.

use serde::Serialize;

use crate::base::clock::Lifespan;
use crate::base::mailbox::Mailbox;
use crate::mail::compose::Enclosed;
use crate::notices::{Letter, NoticeFault, Notices, Organisation};
use crate::queue::Admission;
use crate::store::Batch;

/// What a mail would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Who wrote it.
    pub to: Mailbox,
    /// Its Message-ID.
    pub in_reply_to: Option<String>,
    /// Its subject.
    pub subject: String,
    /// How long the links would live.
    pub lifespan: Lifespan,
    /// Who would be invited.
    pub invitees: Vec<Previewed>,
    /// Who would get a copy without a link.
    pub colleagues: Vec<String>,
    /// The copies of invitees, as far as there is room.
    pub enclosed: Vec<Enclosed>,
}

/// One invitee of it.
#[expect(clippy::struct_excessive_bools, reason = "each is a name of its own in the templates")]
#[derive(Clone, Debug, Serialize)]
pub struct Previewed {
    /// The address.
    pub address: String,
    /// Whether there is an account, so that the link would lead to the way in.
    pub has_account: bool,
    /// Whether the same person was invited before, and not come yet.
    pub is_pending: bool,
    /// Whether an invite address names the person.
    pub is_named: bool,
    /// Whether the mail would be enclosed unchanged instead of edited.
    pub is_wrapped: bool,
    /// The name of the copy among those that are enclosed; `None` where there was no room.
    pub file: Option<String>,
}

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    subject: &'a str,
    days: u32,
    invitees: &'a [Previewed],
    colleagues: &'a [String],
}

impl Notices {
    /// The preview, to who wrote the mail, in its thread. It is in `batch`; hand the admission to
    /// [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn preview(&self, batch: &mut Batch, preview: &Preview) -> Result<Admission, NoticeFault> {
        let in_reply_to = preview.in_reply_to.as_deref();
        let letter = Letter { in_reply_to, enclosed: &preview.enclosed, ..Letter::to(&preview.to) };
        let context = Context {
            organisation: Organisation { name: &self.writer.organisation },
            subject: &preview.subject,
            days: preview.lifespan.in_days(),
            invitees: &preview.invitees,
            colleagues: &preview.colleagues,
        };
        self.write(batch, "preview", letter, &context).await
    }
}
