//! What has become of an invitation without its inviter's doing: it did not arrive, or nobody used it in time.

use serde::Serialize;

use crate::invites::seal::Sealed;
use crate::invites::{Invitation, State};
use crate::notices::{Letter, NoticeFault, Notices, Organisation, Person};
use crate::queue::Admission;
use crate::store::Batch;

/// Why a mail did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The enhanced status: `5.1.1` (RFC 3463).
    pub status: String,
    /// The words of whoever refused it, or ours.
    pub reason: String,
}

/// What the templates of a mail that did not arrive may name.
#[derive(Serialize)]
struct Bounced<'a> {
    organisation: Organisation<'a>,
    invitee: Person<'a>,
    subject: &'a str,
    /// What kind of failure it is, in one word.
    cause: &'a str,
    reason: &'a str,
    /// Whether the invitation can still be changed.
    can_change: bool,
}

/// What the templates of an invitation that nobody used may name.
#[derive(Serialize)]
struct Expired<'a> {
    organisation: Organisation<'a>,
    invitee: Person<'a>,
    subject: &'a str,
    was_opened: bool,
}

impl Notices {
    /// "Your invitation has not reached …", with the reason and what to do, to the inviter, in the thread. An answer to
    /// it is a command. It is in `batch`; hand the admission to [`Queue::admit`](crate::queue::Queue::admit) after the
    /// commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn bounced(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
        failure: &Failure,
    ) -> Result<Admission, NoticeFault> {
        let context = Bounced {
            organisation: Organisation { name: &self.writer.organisation },
            invitee: Person::from(&invitation.invitee),
            subject: &invitation.subject,
            cause: cause(&failure.status),
            reason: &failure.reason,
            can_change: invitation.is_open(),
        };
        self.write(batch, "bounced", about(invitation), &context).await
    }

    /// "Your invitation has not been used", to the inviter, in the thread. An answer to it is a command. It is in
    /// `batch`; hand the admission to [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn expired(
        &self,
        batch: &mut Batch,
        invitation: &Invitation,
    ) -> Result<Admission, NoticeFault> {
        let context = Expired {
            organisation: Organisation { name: &self.writer.organisation },
            invitee: Person::from(&invitation.invitee),
            subject: &invitation.subject,
            was_opened: matches!(invitation.state, State::Opened { .. }),
        };
        self.write(batch, "expired", about(invitation), &context).await
    }
}

/// To the inviter, in the thread of the inviter's mail.
fn about(invitation: &Invitation) -> Letter<'_> {
    Letter::to(&invitation.inviter).in_thread_of(invitation).answered(Sealed::Invitation(invitation.id))
}

/// The kind of a failure, by its subject and detail (RFC 3463 §3), as the templates know it.
fn cause(status: &str) -> &'static str {
    let mut digits = status.split('.').skip(1);
    match (digits.next(), digits.next()) {
        // X.1.7 and X.1.8 speak of the sender's address.
        (Some("1"), Some("7" | "8")) => "other",
        (Some("1"), _) => "address",
        (Some("2"), Some("3")) | (Some("3"), Some("4")) => "size",
        (Some("2"), _) => "full",
        (Some("3" | "4"), _) => "reach",
        (Some("6"), _) => "form",
        (Some("7"), _) => "rules",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_kind() {
        for (status, kind) in [
            ("5.1.1", "address"),
            ("5.1.8", "other"),
            ("5.2.2", "full"),
            ("5.2.3", "size"),
            ("5.3.4", "size"),
            ("5.4.7", "reach"),
            ("5.6.0", "form"),
            ("5.7.1", "rules"),
            ("5.0.0", "other"),
            ("", "other"),
        ] {
            assert_eq!(cause(status), kind, "{status}");
        }
    }
}
