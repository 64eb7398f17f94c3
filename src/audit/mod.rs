//! The closed list of what is worth remembering: who did what to whom, from where, with which outcome.
//!
//! Each event is one line of the journal with fields, target `audit`. Addresses are masked, also those inside the
//! words of others; a line holds no secret, no line break and nothing endless.

mod deed;
pub mod dropoff;
mod hand;
pub mod switched;

use std::net::IpAddr;

use tracing::info;

use crate::base::address::Address;
use crate::base::id::{InvitationId, MessageId};

pub use self::deed::Deed;
pub use self::hand::Hand;

/// Characters of foreign words (a reply, a reason) in one line.
const WORDS_MAX: usize = 400;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A message was taken: it is durable from here on.
    Accepted {
        /// Its identifier.
        message: MessageId,
        /// The envelope's sender, empty for `<>`.
        sender: &'a str,
        /// How many recipients.
        recipients: usize,
        /// Who handed it in; `None` for our own mail.
        peer: Option<IpAddr>,
    },
    /// A message was not taken.
    Refused {
        /// The envelope's sender, empty for `<>`.
        sender: &'a str,
        /// What the sender was told.
        reason: &'a str,
        /// Who wanted to hand it in.
        peer: Option<IpAddr>,
    },
    /// An invitation was made.
    Invited {
        /// Its identifier.
        invitation: InvitationId,
        /// Who invites.
        inviter: &'a Address,
        /// Who is invited.
        invitee: &'a Address,
    },
    /// A message could not be edited safely, so that it travels inside a new one.
    RewrittenByWrapping {
        /// The message.
        message: MessageId,
        /// What was not safe.
        reason: &'a str,
    },
    /// The next hop took responsibility for a copy.
    Delivered {
        /// The message.
        message: MessageId,
        /// The copy's recipient.
        recipient: &'a Address,
        /// Which hop.
        hop: &'a str,
        /// Its words.
        reply: &'a str,
    },
    /// A copy was not taken now and is tried again.
    Deferred {
        /// The message.
        message: MessageId,
        /// The copy's recipient.
        recipient: &'a Address,
        /// Why.
        reason: &'a str,
    },
    /// A copy will never be delivered.
    Bounced {
        /// The message.
        message: MessageId,
        /// The copy's recipient.
        recipient: &'a Address,
        /// Why.
        reason: &'a str,
        /// Whether the sender is told: `<>` cannot be, and NOTIFY=NEVER does not want it.
        reported: bool,
    },
    /// A link was used: it became an account, or led to the one that the address had already.
    Activated {
        /// The invitation.
        invitation: InvitationId,
        /// Whose account it is.
        guest: &'a Address,
        /// From where.
        peer: IpAddr,
    },
    /// An invitation was taken back.
    Withdrawn {
        /// The invitation.
        invitation: InvitationId,
    },
    /// A mail system further on said something of an invitation's mail.
    Returned {
        /// The invitation.
        invitation: InvitationId,
        /// What was made of it.
        outcome: &'a str,
        /// Who brought it.
        peer: Option<IpAddr>,
    },
    /// The address of an invitation was corrected.
    Readdressed {
        /// The invitation.
        invitation: InvitationId,
        /// The right address.
        invitee: &'a Address,
    },
    /// A copy was not sent, because its invitation had been taken back.
    NotSent {
        /// The message.
        message: MessageId,
        /// The copy's recipient.
        recipient: &'a Address,
    },
    /// An administrator gave an order about a message in the queue.
    Ordered {
        /// The message.
        message: MessageId,
        /// Whom it concerned.
        recipient: &'a Address,
        /// Which: `retry`, `hold`, `release`, `drop`.
        order: &'a str,
        /// Who gave it.
        hand: Hand<'a>,
    },
    /// An invitation got more time.
    Extended {
        /// The invitation.
        invitation: InvitationId,
        /// How many days more.
        days: u32,
    },
    /// A fresh link of an invitation was sent to its invitee.
    Renewed {
        /// The invitation.
        invitation: InvitationId,
        /// At whose word: `invitee`, `inviter`, `administrator`.
        by: &'a str,
        /// From where; `None` on this machine.
        peer: Option<IpAddr>,
    },
    /// An invitee asked for a fresh link, and the inviter was asked whether there shall be one.
    RenewalAsked {
        /// The invitation.
        invitation: InvitationId,
        /// From where.
        peer: IpAddr,
    },
    /// Somebody proved who they are.
    SignedIn {
        /// Who.
        address: &'a Address,
        /// From where.
        peer: IpAddr,
        /// At which face: `smtp`, `web`; or `saml`, by an identity provider.
        face: &'a str,
    },
    /// Somebody did not.
    SignInFailed {
        /// What was typed as the name. Only an address is shown, for people type passwords there.
        name: &'a str,
        /// From where.
        peer: IpAddr,
        /// At which face: `smtp`, `web`.
        face: &'a str,
    },
    /// Somebody came from an identity provider and was not let in.
    NotVouched {
        /// Which provider was asked; empty where none was.
        provider: &'a str,
        /// What is wrong.
        reason: &'a str,
        /// What the person was shown, to ask the administrator about.
        reference: &'a str,
        /// From where.
        peer: IpAddr,
    },
    /// Somebody for whom the organisation vouches came for the first time, and has an account from here on.
    Enrolled {
        /// Who.
        address: &'a Address,
    },
    /// The directory allows somebody more or less than before.
    RightsChanged {
        /// Who.
        address: &'a Address,
        /// May invite people outside.
        invite: bool,
        /// May invite colleagues.
        invite_internal: bool,
        /// May administer the gateway.
        admin: bool,
    },
    /// An address of somebody in the directory belongs to another account, which keeps it.
    AddressTaken {
        /// The address.
        address: &'a Address,
    },
    /// Something was done to an account.
    Account {
        /// What.
        deed: Deed,
        /// Whose account it is.
        whom: &'a Address,
        /// By whom: `person`, `link`, `administrator`, `provider`, `time`.
        by: &'a str,
        /// From where; `None` on this machine.
        peer: Option<IpAddr>,
    },
    /// A template of the admin was not taken; the last good one stays.
    TemplateRefused {
        /// The file, relative to the admin's folder.
        file: &'a str,
        /// What is wrong with it.
        reason: &'a str,
    },
}

/// Writes one line.
pub fn record(event: &Event<'_>) {
    match *event {
        Event::Accepted { message, sender, recipients, peer } => {
            info!(target: "audit", %message, sender = name(sender), recipients, peer = from(peer), "accepted");
        }
        Event::Refused { sender, reason, peer } => {
            info!(target: "audit", sender = name(sender), reason = words(reason), peer = from(peer), "refused");
        }
        Event::Invited { invitation, inviter, invitee } => {
            info!(target: "audit", %invitation, inviter = inviter.masked(), invitee = invitee.masked(), "invited");
        }
        Event::RewrittenByWrapping { message, reason } => {
            info!(target: "audit", %message, reason = words(reason), "rewritten by wrapping");
        }
        Event::Delivered { message, recipient, hop, reply } => {
            let (hop, reply) = (words(hop), words(reply));
            info!(target: "audit", %message, recipient = recipient.masked(), hop, reply, "delivered");
        }
        Event::Deferred { message, recipient, reason } => {
            info!(target: "audit", %message, recipient = recipient.masked(), reason = words(reason), "deferred");
        }
        Event::Bounced { message, recipient, reason, reported } => {
            let (recipient, reason) = (recipient.masked(), words(reason));
            info!(target: "audit", %message, recipient, reason, reported, "bounced");
        }
        Event::Activated { invitation, guest, peer } => {
            info!(target: "audit", %invitation, guest = guest.masked(), %peer, "activated");
        }
        Event::Withdrawn { invitation } => info!(target: "audit", %invitation, "withdrawn"),
        Event::Returned { invitation, outcome, peer } => {
            info!(target: "audit", %invitation, outcome, peer = from(peer), "returned");
        }
        Event::Readdressed { invitation, invitee } => {
            info!(target: "audit", %invitation, invitee = invitee.masked(), "readdressed");
        }
        Event::NotSent { message, recipient } => {
            info!(target: "audit", %message, recipient = recipient.masked(), "not sent: withdrawn");
        }
        Event::Ordered { message, recipient, order, hand } => {
            let (recipient, by, peer) = (recipient.masked(), hand.who(), from(hand.peer));
            info!(target: "audit", %message, recipient, order, by, peer, "queue ordered");
        }
        Event::Extended { invitation, days } => info!(target: "audit", %invitation, days, "extended"),
        Event::Renewed { invitation, by, peer } => {
            info!(target: "audit", %invitation, by, peer = from(peer), "renewed");
        }
        Event::RenewalAsked { invitation, peer } => {
            info!(target: "audit", %invitation, %peer, "renewal asked");
        }
        Event::SignedIn { address, peer, face } => {
            info!(target: "audit", address = address.masked(), %peer, face, "signed in");
        }
        Event::SignInFailed { name: typed, peer, face } => {
            info!(target: "audit", name = name(typed), %peer, face, "sign-in failed");
        }
        Event::NotVouched { provider, reason, reference, peer } => {
            info!(target: "audit", provider, reason = words(reason), reference, %peer, "not let in by saml");
        }
        Event::Enrolled { address } => info!(target: "audit", address = address.masked(), "enrolled"),
        Event::RightsChanged { address, invite, invite_internal, admin } => {
            let address = address.masked();
            info!(target: "audit", address, invite, invite_internal, admin, "rights changed");
        }
        Event::AddressTaken { address } => {
            info!(target: "audit", address = address.masked(), "address taken by another account");
        }
        Event::Account { deed, whom, by, peer } => {
            info!(target: "audit", account = whom.masked(), by, peer = from(peer), "{}", deed.words());
        }
        Event::TemplateRefused { file, reason } => {
            info!(target: "audit", file = words(file), reason = words(reason), "template refused");
        }
    }
}

/// An address that came as text: masked; `<>` where there is none, and nothing at all of what is no address.
fn name(text: &str) -> String {
    match Address::parse(text) {
        Ok(address) => address.masked(),
        Err(_) if text.is_empty() => "<>".to_owned(),
        Err(_) => "(not an address)".to_owned(),
    }
}

/// Where something came from.
fn from(peer: Option<IpAddr>) -> String {
    peer.map_or_else(|| "-".to_owned(), |peer| peer.to_string())
}

/// The words of others: on one line, bounded, every address in them masked.
fn words(text: &str) -> String {
    let mut masked = String::with_capacity(text.len().min(WORDS_MAX));
    let text = with_quotes_masked(&text.chars().take(WORDS_MAX).collect::<String>());
    for run in text.split_inclusive(is_around_an_address) {
        let word = run.trim_end_matches(is_around_an_address);
        let (_, rest) = run.split_at(word.len());
        match word.rsplit_once('@') {
            Some((local, domain)) => {
                masked.extend(local.chars().take(1));
                masked.push_str("…@");
                masked.push_str(domain);
            }
            None => masked.push_str(word),
        }
        masked.extend(rest.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    masked
}

/// The same with each quoted local part (RFC 5321 §4.1.2) down to its first character: there is white space in it.
fn with_quotes_masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\"@") {
        let (outside, quoted) = before.rsplit_once('"').unwrap_or(("", before));
        masked.push_str(outside);
        masked.extend(quoted.chars().take(1));
        masked.push('@');
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

/// What may stand before or behind an address in a sentence. No character that may stand in one, as `=` does in the
/// invite address with a person in its tag: what is masked too much is no loss.
fn is_around_an_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>()[]\",;:“”".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_in_the_words_of_others_are_masked() {
        assert_eq!(
            words("550 5.1.1 <kim.roe@partner.example>: no such user\r\nor=ann@x.example; bye"),
            "550 5.1.1 <k…@partner.example>: no such user  o…@x.example; bye"
        );
        assert_eq!(
            words("\"kim roe\"@partner.example, invite+kim=partner.example@corp.example, o'neil@x.example"),
            "k…@partner.example, i…@corp.example, o…@x.example"
        );
        assert_eq!(words("no address here: @ 5.1.1"), "no address here: …@ 5.1.1");
    }

    #[test]
    fn a_password_typed_as_the_name_is_not_shown() {
        assert_eq!(name("correct horse battery staple"), "(not an address)");
        assert_eq!(name("kim@partner.example"), "k…@partner.example");
        assert_eq!(name(""), "<>");
    }

    proptest! {
        #[test]
        fn a_line_is_one_bounded_line(text in any::<String>()) {
            let line = words(&text);
            prop_assert!(!line.contains(char::is_control));
            prop_assert!(line.chars().count() <= 2 * WORDS_MAX);
        }
    }
}
