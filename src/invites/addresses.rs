//! Addresses of ours that people and mail systems answer to, with a sealed word in the tag.
//!
//! | address | written by | means |
//! |---|---|---|
//! | `bounce+WORD@bounce_domain` | mail systems, to the envelope's sender | that invitation's mail did not arrive |
//! | `postern+WORD@corp.example` (the notice address) | the inviter, who answers a receipt or a notice | a command |

use crate::base::address::{Address, Domain, LocalPart};
use crate::config;
use crate::invites::seal::{Sealed, Seals};

/// The name of what mail systems return mail to.
const BOUNCE: &str = "bounce";

/// Makes and reads addresses of ours. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Addresses {
    seals: Seals,
    /// Where replies go, but for the tag.
    notice: Address,
    /// Where bounces go; `None` where they are the inviter's own.
    bounces: Option<Domain>,
}

/// What an address is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// One that we made.
    Sealed(Sealed),
    /// One that looks so, and that we did not make.
    Forged,
}

impl Addresses {
    /// Addresses by these seals, as `[relay] bounces` and `[organisation] notice_address` say.
    #[must_use]
    pub fn new(seals: Seals, relay: &config::Relay, organisation: &config::Organisation) -> Self {
        let notice = organisation.notice_address.clone();
        Self { seals, bounces: relay.bounces.domain(&notice).cloned(), notice }
    }

    /// The envelope sender of the mail with this invitation; `None` where it is the inviter.
    #[must_use]
    pub fn sender_of(&self, sealed: Sealed) -> Option<Address> {
        let local = format!("{BOUNCE}+{}", self.seals.word(sealed));
        Some(Address::new(LocalPart::parse(&local)?, self.bounces.clone()?))
    }

    /// Whether bounces come to us.
    #[must_use]
    pub const fn tracks_bounces(&self) -> bool {
        self.bounces.is_some()
    }

    /// Where a command about this goes; `None` where the notice address is too long to have a tag (RFC 5321
    /// §4.5.3.1.1).
    #[must_use]
    pub fn reply_to(&self, sealed: Sealed) -> Option<Address> {
        let local = format!("{}+{}", self.notice.local(), self.seals.word(sealed));
        Some(Address::new(LocalPart::parse(&local)?, self.notice.domain().clone()))
    }

    /// What an address is to us; `None` where it is nothing of ours.
    #[must_use]
    pub fn read(&self, address: &Address) -> Option<Ours> {
        let (stem, word) = address.local().as_str().rsplit_once('+')?;
        let stem = Address::new(LocalPart::parse(stem)?, address.domain().clone());
        let is_bounce = self.bounces.as_ref().is_some_and(|domain| {
            address.domain() == domain && stem.local().as_str().eq_ignore_ascii_case(BOUNCE)
        });
        if is_bounce {
            return Some(match self.seals.read(word) {
                Some(sealed @ Sealed::Bounce(_)) => Ours::Sealed(sealed),
                _ => Ours::Forged,
            });
        }
        if !self.notice.same_mailbox(&stem) {
            return None;
        }
        Some(match self.seals.read(word) {
            Some(sealed @ (Sealed::Receipt(_) | Sealed::Invitation(_))) => Ours::Sealed(sealed),
            Some(Sealed::Bounce(_)) | None => Ours::Forged,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::base::id::{InvitationId, MessageId};

    use super::*;

    fn addresses(bounces: Option<&str>) -> Addresses {
        Addresses {
            seals: Seals::with_key(&[7; 32]),
            notice: Address::parse("postern@corp.example").unwrap(),
            bounces: bounces.map(|domain| Domain::parse(domain).unwrap()),
        }
    }

    fn read(addresses: &Addresses, address: &str) -> Option<Ours> {
        addresses.read(&Address::parse(address).unwrap())
    }

    #[test]
    fn each_word_counts_at_its_own_address_only() {
        let ours = addresses(Some("bounces.corp.example"));
        let bounce = Sealed::Bounce(InvitationId::fresh());
        let receipt = Sealed::Receipt(MessageId::fresh());
        let to_bounce = ours.sender_of(bounce).unwrap();
        let to_receipt = ours.reply_to(receipt).unwrap();
        assert_eq!(ours.read(&to_bounce), Some(Ours::Sealed(bounce)));
        assert_eq!(ours.read(&to_receipt), Some(Ours::Sealed(receipt)));
        assert_eq!(read(&ours, &to_bounce.to_string().to_uppercase()), Some(Ours::Sealed(bounce)));
        let (_, word) = to_bounce.local().as_str().split_once('+').unwrap();
        assert_eq!(read(&ours, &format!("postern+{word}@corp.example")), Some(Ours::Forged));
        assert_eq!(read(&ours, &format!("bounce+{word}@corp.example")), None);
        assert_eq!(read(&ours, "bounce+0123@bounces.corp.example"), Some(Ours::Forged));
        for other in ["postern@corp.example", "kim+x@corp.example", "bounce@bounces.corp.example"] {
            assert_eq!(read(&ours, other), None, "{other}");
        }
    }

    #[test]
    fn without_tracking_nobody_bounces_to_us() {
        let ours = addresses(None);
        let bounce = Sealed::Bounce(InvitationId::fresh());
        assert_eq!(ours.sender_of(bounce), None);
        let tracked = addresses(Some("corp.example")).sender_of(bounce).unwrap();
        assert_eq!(ours.read(&tracked), None);
    }
}
