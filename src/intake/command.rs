//! What an inviter writes in the first line of an answer, and what is done about it.

use crate::auth::Identity;
use crate::base::address::Address;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::intake::Intake;
use crate::intake::fault::{failed, uncommitted, unnoticed, unwritten};
use crate::intake::policy::Inviter;
use crate::intake::refusal::Refusal;
use crate::intake::sorting::Whom;
use crate::intake::submission::{Submission, Submitter};
use crate::invites::Invitation;
use crate::invites::seal::Sealed;
use crate::mail::answer;
use crate::mail::edit::Source as _;
use crate::mail::message::Facts;
use crate::notices::answer::{Answer, Outcome};
use crate::store::Batch;
use crate::tending::TendingFault;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verb {
    Resend,
    Withdraw,
    Extend(u32),
    Address(Address),
}

/// A command, for one invitee or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Command {
    verb: Verb,
    to: Option<Address>,
}

/// What a command is about: a mail of the inviter's, and whom it has invited.
struct Matter {
    inviter: Mailbox,
    subject: String,
    invitations: Vec<InvitationId>,
}

impl Command {
    /// Reads a line: a word, what it needs, and the address of one invitee if it is not for all. `None` where it is no
    /// command.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(|word| word.trim_end_matches(['.', '!', ',', ';']));
        let verb = words.next()?.to_ascii_lowercase();
        let mut rest: Vec<&str> = words.collect();
        let verb = match verb.as_str() {
            "resend" => Verb::Resend,
            "withdraw" => Verb::Withdraw,
            "extend" => {
                let days = rest.first()?.trim_end_matches(['d', 'D']).parse().ok()?;
                rest.remove(0);
                rest.retain(|word| !matches!(word.to_ascii_lowercase().as_str(), "day" | "days"));
                Verb::Extend(days)
            }
            // The wrong one, if there are two, stands first.
            "address" => Verb::Address(address(rest.pop()?)?),
            _ => return None,
        };
        let to = match rest.as_slice() {
            [] => None,
            [one] => Some(address(one)?),
            _ => return None,
        };
        Some(Self { verb, to })
    }
}

/// An address as mail programs write it into text: `<kim@x>`, `kim@x<mailto:kim@x>`, `mailto:kim@x`.
fn address(word: &str) -> Option<Address> {
    let word = word.trim_start_matches(['<', '(', '"']).trim_end_matches(['>', ')', '"', ',', ';']);
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let word = word.split(['<', '>']).next().unwrap_or(word);
    Address::parse(word).ok()
}

impl Intake {
    /// Obeys the command in an answer, and answers in the thread.
    pub(super) async fn obey(
        &self,
        submission: &Submission,
        facts: &Facts,
        commands: &[Sealed],
    ) -> Result<(), Refusal> {
        if let Some(automatic) = &facts.automatic {
            return Err(Refusal::AutomaticAnswer(automatic.clone()));
        }
        let author = facts.from.first().ok_or(Refusal::NoFrom)?;
        let identity = match &submission.submitter {
            Submitter::Person(identity) => Some(identity.clone()),
            Submitter::TrustedServer => self.staff(&author.address).await?,
            Submitter::Stranger => None,
        };
        let identity = identity.ok_or_else(|| Refusal::NotYourInvitation(author.address.clone()))?;
        let end = submission.body.len().min(answer::LOOKED_AT_MAX);
        let line = answer::first_line(&submission.body.read(0..end).map_err(unwritten)?).unwrap_or_default();
        for &about in commands {
            let matter = self.matter(about)?.filter(|matter| identity.owns(&matter.inviter.address));
            let matter = matter.ok_or_else(|| Refusal::NotYourInvitation(author.address.clone()))?;
            let outcomes = match Command::parse(&line) {
                Some(command) => self.outcomes(&identity, author, &matter, &command).await?,
                None => Vec::new(),
            };
            let in_reply_to = facts.message_id.as_deref();
            let (to, subject) = (author, matter.subject.as_str());
            let said = Answer { to, in_reply_to, subject, about, line: &line, outcomes: &outcomes };
            self.answer(&said).await?;
        }
        Ok(())
    }

    async fn answer(&self, said: &Answer<'_>) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        let admission =
            self.inner.parts.renewals.notices().answer(&mut batch, said).await.map_err(unnoticed)?;
        self.inner.parts.queue.commit(batch, vec![admission]).await.map_err(uncommitted)
    }

    fn matter(&self, about: Sealed) -> Result<Option<Matter>, Refusal> {
        let invites = &self.inner.parts.guests.invites;
        let of_one = |invitation: Invitation| Matter {
            inviter: invitation.inviter,
            subject: invitation.subject,
            invitations: vec![invitation.id],
        };
        match about {
            Sealed::Receipt(id) => {
                Ok(invites.receipt(id).map_err(|fault| failed(&fault))?.map(|receipt| Matter {
                    inviter: receipt.inviter,
                    subject: receipt.subject,
                    invitations: receipt.invitees.iter().map(|invitee| invitee.invitation).collect(),
                }))
            }
            Sealed::Invitation(id) | Sealed::Bounce(id) => {
                let invitation = invites.by_id(id).map_err(|fault| failed(&fault))?;
                Ok(invitation.map(|invitation| of_one(invitation.value)))
            }
        }
    }

    /// What came of the command for each invitee it is for. A fault of ours ends it; it can be sent again.
    async fn outcomes(
        &self,
        identity: &Identity,
        author: &Mailbox,
        matter: &Matter,
        command: &Command,
    ) -> Result<Vec<Outcome>, Refusal> {
        let mut outcomes = Vec::new();
        for &id in &matter.invitations {
            let Some(invitation) =
                self.inner.parts.guests.invites.by_id(id).map_err(|fault| failed(&fault))?
            else {
                continue;
            };
            let invitation = invitation.value;
            if command.to.as_ref().is_none_or(|to| to.same_mailbox(&invitation.invitee.address)) {
                let is_one_of_several = command.to.is_none() && matter.invitations.len() > 1;
                let inviter = Inviter { author: author.clone(), account: identity.account };
                let whom = Whom::of(&invitation);
                let done = match &command.verb {
                    Verb::Address(_) if is_one_of_several => {
                        Err("which of the addresses is wrong? Please write it before the right one"
                            .to_owned())
                    }
                    Verb::Resend | Verb::Extend(_) | Verb::Address(_)
                        if !whom.is_open_to(identity.rights) =>
                    {
                        Err(whom.forbidden(author.address.clone()).to_string())
                    }
                    verb => self.done(&inviter, &invitation, verb).await?,
                };
                outcomes.push(done.unwrap_or_else(|reason| Outcome::refused(&invitation.invitee, reason)));
            }
        }
        if let (true, Some(to)) = (outcomes.is_empty(), &command.to) {
            let to = Mailbox::named("", to.clone());
            outcomes.push(Outcome::refused(&to, "your message has not invited this address".to_owned()));
        }
        Ok(outcomes)
    }

    /// Does it for one invitation. `Ok(Err(…))` says in words why it cannot be done.
    async fn done(
        &self,
        inviter: &Inviter,
        invitation: &Invitation,
        verb: &Verb,
    ) -> Result<Result<Outcome, String>, Refusal> {
        let (renewals, id) = (&self.inner.parts.renewals, invitation.id);
        let invitee = &invitation.invitee;
        let done = match verb {
            Verb::Resend => renewals.resend(id, "inviter", None).await.map(|_| Outcome::resent(invitee)),
            Verb::Withdraw => renewals.tending().withdraw(id).await.map(|_| Outcome::withdrawn(invitee)),
            Verb::Extend(days) => {
                let extended = renewals.tending().extend(id, *days).await;
                extended.map(|extended| Outcome::extended(invitee, extended.valid_until()))
            }
            Verb::Address(right) => {
                return match self.readdress_by(inviter, id, Whom::of(invitation), right).await {
                    Ok(new) => Ok(Ok(Outcome::readdressed(&new.invitee))),
                    Err(Refusal::Internal) => Err(Refusal::Internal),
                    Err(refusal) => Ok(Err(refusal.to_string())),
                };
            }
        };
        match done {
            Err(TendingFault::Store(fault)) => Err(failed(&fault)),
            Err(TendingFault::Notice(fault)) => Err(unnoticed(fault)),
            done => Ok(done.map_err(|fault| fault.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<(Verb, Option<String>)> {
        Command::parse(line).map(|command| (command.verb, command.to.map(|to| to.to_string())))
    }

    #[test]
    fn commands_are_read_as_people_write_them() {
        let right = || Verb::Address("kim@right.example".parse().unwrap());
        let kim = || Some("kim@wrong.example".to_owned());
        for (line, verb, to) in [
            ("resend", Verb::Resend, None),
            ("Resend.", Verb::Resend, None),
            ("WITHDRAW <kim@wrong.example>", Verb::Withdraw, kim()),
            ("extend 14", Verb::Extend(14), None),
            ("extend 14d", Verb::Extend(14), None),
            ("Extend 14 days kim@wrong.example", Verb::Extend(14), kim()),
            ("address kim@right.example", right(), None),
            ("address kim@right.example<mailto:kim@right.example>", right(), None),
            ("address mailto:kim@right.example", right(), None),
            ("address kim@wrong.example kim@right.example", right(), kim()),
        ] {
            assert_eq!(parse(line), Some((verb, to)), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_changes_nothing() {
        for line in [
            "",
            "Please resend it",
            "resend it to Kim",
            "extend",
            "extend soon",
            "extend -3",
            "address",
            "address kim",
            "withdraw kim",
            "withdrawal",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
