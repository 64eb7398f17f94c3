//! `invite+preview@`: nobody is invited and nobody gets anything but the inviter, who gets what each invitee would.
//!
//! The copies are those of an invitation, but for the link, which leads nowhere; nothing of it is kept and nothing
//! counts. What would be refused is refused here too, in the same words.

use std::sync::Arc;

use crate::intake::Intake;
use crate::intake::copies::{Copies, Copy};
use crate::intake::fault::{on_a_thread_of_its_own, uncommitted, unnoticed};
use crate::intake::guest::Guest;
use crate::intake::refusal::Refusal;
use crate::intake::submission::{Accepted, Submission};
use crate::mail::compose::Enclosed;
use crate::mail::edit::{Edited, Source as _};
use crate::notices::preview::{Preview, Previewed};
use crate::store::Batch;

/// Octets of all copies that one preview encloses. They are held in memory while it is written, and the inviter's
/// mailbox has to take them.
const ENCLOSED_MAX: u64 = 20 * 1024 * 1024;

impl Intake {
    /// Sends the preview.
    pub(super) async fn preview(
        &self,
        submission: &Submission,
        order: &Arc<Copies>,
    ) -> Result<Accepted, Refusal> {
        let made = self.copies(order).await?;
        let copies = Arc::clone(order);
        let preview = on_a_thread_of_its_own(move || Ok(preview(&copies, &made)?)).await?;
        let mut batch = Batch::new();
        let notices = self.inner.parts.renewals.notices();
        let admission = notices.preview(&mut batch, &preview).await.map_err(unnoticed)?;
        self.inner.parts.queue.commit(batch, vec![admission]).await.map_err(uncommitted)?;
        Ok(Accepted { id: submission.id, invitations: 0 })
    }
}

/// Who would get what, and why. Blocking: reads the spool.
fn preview(order: &Copies, made: &[Copy]) -> std::io::Result<Preview> {
    let mut preview = Preview {
        to: order.inviter.clone(),
        in_reply_to: order.facts.message_id.clone(),
        subject: order.subject.clone(),
        lifespan: order.lifespan,
        invitees: Vec::new(),
        colleagues: Vec::new(),
        enclosed: Vec::new(),
    };
    let mut room = ENCLOSED_MAX;
    for copy in made {
        let address = &copy.recipient.address;
        let Some(invited) = &copy.invitation else {
            preview.colleagues.push(address.to_string());
            continue;
        };
        let whole = Edited::new(&order.body, &copy.edits);
        let file = match room.checked_sub(whole.len()) {
            Some(left) => {
                room = left;
                let name = format!("invitation-{}.eml", preview.enclosed.len() + 1);
                let octets = whole.read(0..whole.len())?.to_vec();
                preview.enclosed.push(Enclosed { name: name.clone(), octets });
                Some(name)
            }
            None => None,
        };
        preview.invitees.push(Previewed {
            address: address.to_string(),
            has_account: matches!(invited.guest, Guest::Known(_)),
            is_pending: matches!(invited.guest, Guest::Pending(_)),
            is_named: order.list.named.iter().any(|named| named.same_mailbox(address)),
            is_wrapped: copy.is_wrapped,
            file,
        });
    }
    Ok(preview)
}
