//! Typed, time-ordered identifiers (UUID version 7, RFC 9562 §5.7).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An identifier of a `Kind`. Later ones sort behind earlier ones, so that keys are in order of time.
pub struct Id<Kind>(Uuid, PhantomData<fn() -> Kind>);

/// Marks the identifier of a message that was accepted.
pub enum MessageKind {}
/// Marks the identifier of an invitation.
pub enum InvitationKind {}
/// Marks the identifier of an account.
pub enum AccountKind {}
/// Marks the identifier of a package.
pub enum PackageKind {}
/// Marks the identifier of a blob.
pub enum BlobKind {}

/// A message that was accepted.
pub type MessageId = Id<MessageKind>;
/// One inviter, one invitee, one life cycle.
pub type InvitationId = Id<InvitationKind>;
/// A staff member or a guest.
pub type AccountId = Id<AccountKind>;
/// What a guest leaves at one time: a message with its files.
pub type PackageId = Id<PackageKind>;
/// The octets of one file on disk.
pub type BlobId = Id<BlobKind>;

impl<Kind> Id<Kind> {
    /// A new one, behind all that this process made before.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7(), PhantomData)
    }

    /// The sixteen octets, in the order in which they sort.
    #[must_use]
    pub const fn octets(&self) -> [u8; 16] {
        *self.0.as_bytes()
    }

    /// The identifier with these octets.
    #[must_use]
    pub const fn from_octets(octets: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(octets), PhantomData)
    }
}

impl<Kind> Clone for Id<Kind> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Kind> Copy for Id<Kind> {}

impl<Kind> PartialEq for Id<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<Kind> Eq for Id<Kind> {}

impl<Kind> PartialOrd for Id<Kind> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<Kind> Ord for Id<Kind> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<Kind> Hash for Id<Kind> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

impl<Kind> FromStr for Id<Kind> {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Ok(Self(Uuid::parse_str(text)?, PhantomData))
    }
}

impl<Kind> Serialize for Id<Kind> {
    /// Where people read it, as it is printed everywhere.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de, Kind> Deserialize<'de> for Id<Kind> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Uuid::deserialize(deserializer)?, PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ones_sort_behind_earlier_ones() {
        let made: Vec<MessageId> = (0..1000).map(|_| MessageId::fresh()).collect();
        assert!(made.is_sorted());
    }

    #[test]
    fn printing_and_reading_again_gives_the_same() {
        let id = InvitationId::fresh();
        assert_eq!(id.to_string().parse::<InvitationId>().unwrap(), id);
        assert_eq!(InvitationId::from_octets(id.octets()), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<InvitationId>(&json).unwrap(), id);
    }
}
