//! What comes to the door, and what becomes of it.

use std::net::IpAddr;

use crate::auth::Identity;
use crate::base::address::{Address, ReversePath};
use crate::base::id::MessageId;
use crate::mail::outline::Outline;
use crate::smtp::parameter::{MailParameters, RcptParameters};
use crate::store::spool::Body;

/// A message at the door: spooled, and outlined while it came in. Its body begins with our Received field.
pub struct Submission {
    /// The identifier that its Received field and the reply name.
    pub id: MessageId,
    /// On whose word it comes.
    pub submitter: Submitter,
    /// The envelope's sender.
    pub sender: ReversePath,
    /// The parameters of MAIL.
    pub parameters: MailParameters,
    /// The envelope's recipients, in the order in which they were named.
    pub recipients: Vec<Recipient>,
    /// How many more were named, and refused because they are no addresses.
    pub turned_away: usize,
    /// The octets.
    pub body: Body,
    /// Their structure.
    pub outline: Outline,
    /// The host that handed it in, if it came over the network.
    pub peer: Option<IpAddr>,
}

/// On whose word a message comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitter {
    /// A person who signed in.
    Person(Identity),
    /// A server that has authenticated its users (relay listener).
    TrustedServer,
    /// A host that nobody vouches for. It may return what we have sent (relay listener, tracked bounces), and nothing
    /// else.
    Stranger,
}

/// One recipient of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address as it was given.
    pub address: Address,
    /// The parameters of RCPT.
    pub parameters: RcptParameters,
}

/// What was taken.
#[derive(Debug)]
pub struct Accepted {
    /// The message's identifier.
    pub id: MessageId,
    /// So many people were invited; 0 for ordinary mail.
    pub invitations: usize,
}
