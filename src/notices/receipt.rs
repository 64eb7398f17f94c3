//! The receipt: what was sent to whom, until when, with which attachments.

use serde::Serialize;

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
        let attachments = receipt
            .attachments
            .iter()
            .map(|attachment| Attachment { name: &attachment.name, size: size(attachment.octets) });
        let context = Context {
            organisation: Organisation { name: &self.writer.organisation },
            inviter: Person::from(&receipt.inviter),
            subject: &receipt.subject,
            invitees: invitees.collect(),
            attachments: attachments.collect(),
            until: self.moment(receipt.valid_until()),
            days: receipt.lifespan.in_days(),
        };
        self.write(batch, "receipt", letter, &context).await
    }
}

/// `1.2 MiB`, cut to one decimal.
fn size(octets: u64) -> String {
    let with_unit = |unit: u64, name: &str| format!("{}.{} {name}", octets / unit, octets % unit * 10 / unit);
    match octets {
        0..1024 => format!("{octets} octets"),
        1024..1_048_576 => with_unit(1024, "KiB"),
        _ => with_unit(1_048_576, "MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_with_their_unit() {
        for (octets, said) in [
            (0, "0 octets"),
            (1023, "1023 octets"),
            (1024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1_300_000, "1.2 MiB"),
            (5_368_709_120, "5120.0 MiB"),
        ] {
            assert_eq!(size(octets), said);
        }
    }
}
