//! What a package is made of.

use serde::{Deserialize, Serialize};

use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::filename::FileName;
use crate::base::id::{AccountId, BlobId, PackageId};
use crate::base::mailbox::Mailbox;
use crate::store::Key;
use crate::store::blobs::Digest;

/// What a guest leaves at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its identifier.
    pub id: PackageId,
    /// The account that it comes from.
    pub guest: AccountId,
    /// The guest, as they were called then.
    pub sender: Mailbox,
    /// For whom it is; those to whom it was forwarded stand at the end.
    pub recipients: Vec<Recipient>,
    /// In one line.
    pub subject: String,
    /// As it was typed; may be empty.
    pub message: String,
    /// How far it has come.
    pub stage: Stage,
    /// When it was opened.
    pub created: Timestamp,
    /// When somebody must see to it next: to warn, or to end it.
    pub due: Timestamp,
    /// The number of the next file.
    pub next_file: u16,
}

/// How far a package has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The guest adds files to it. Nobody else sees it.
    Open,
    /// It was handed over, and waits for the scanner's word.
    Checked {
        /// When it was handed over.
        since: Timestamp,
    },
    /// The recipients have it.
    Delivered {
        /// Since when.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
        /// Whether those who have not picked it up were told of its end.
        warned: bool,
    },
}

/// Somebody for whom a package is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Name and address.
    pub mailbox: Mailbox,
    /// The colleague who has forwarded it; `None`: the guest has sent it.
    pub forwarded_by: Option<Mailbox>,
    /// When this person deleted it.
    pub deleted: Option<Timestamp>,
}

/// Which file of which package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileRef {
    /// The package.
    pub package: PackageId,
    /// The file's number in it. Never given twice.
    pub number: u16,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it belongs.
    pub id: FileRef,
    /// As the guest calls it.
    pub name: FileName,
    /// Octets when it is whole; `None` where that is not known yet.
    pub length: Option<u64>,
    /// When it was worked on last.
    pub touched: Timestamp,
    /// What is there of it.
    pub content: Content,
    /// Who has picked it up, and when first.
    pub picked_up: Vec<PickUp>,
}

/// What is there of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// So many octets have arrived and are on disk.
    Arriving {
        /// Where they are.
        blob: BlobId,
        /// How many.
        offset: u64,
    },
    /// All of it.
    Whole {
        /// Where.
        blob: BlobId,
        /// Of all octets.
        digest: Digest,
    },
    /// Nothing: it is kept from everyone, and was removed.
    Withheld {
        /// Of all octets that were there.
        digest: Digest,
        /// What the scanner calls it.
        finding: String,
    },
    /// Nothing any more: every recipient has deleted the package.
    Deleted {
        /// Of all octets that were there.
        digest: Digest,
    },
}

/// A file was picked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickUp {
    /// By whom: the address that the package had come to.
    pub by: Address,
    /// When first.
    pub at: Timestamp,
}

/// How much a guest has here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Packages.
    pub packages: u32,
    /// Files that are not whole.
    pub uploads: u32,
    /// Octets of all files, those still to come included where it is known how many.
    pub octets: u64,
}

impl Package {
    /// The recipient with one of these addresses who has not deleted it.
    pub fn recipient_among<'a>(
        &'a self,
        addresses: impl IntoIterator<Item = &'a Address>,
    ) -> Option<&'a Recipient> {
        addresses.into_iter().find_map(|address| {
            let holders = self.holders();
            { holders }.find(|holder| holder.mailbox.address.same_mailbox(address))
        })
    }

    /// The recipients who have not deleted it.
    pub fn holders(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|recipient| recipient.deleted.is_none())
    }

    /// Whether the guest may still change it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// Whether the recipients have it.
    #[must_use]
    pub const fn is_delivered(&self) -> bool {
        matches!(self.stage, Stage::Delivered { .. })
    }

    /// The last moment in which the recipients have it; `None` before they do.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Delivered { until, .. } => Some(until),
            Stage::Open | Stage::Checked { .. } => None,
        }
    }

    /// The name of the next file's place.
    #[must_use]
    pub const fn next_file(&self) -> FileRef {
        FileRef { package: self.id, number: self.next_file }
    }
}

impl From<Mailbox> for Recipient {
    fn from(mailbox: Mailbox) -> Self {
        Self { mailbox, forwarded_by: None, deleted: None }
    }
}

impl File {
    /// Octets that it takes, or will take, on disk.
    #[must_use]
    pub fn weight(&self) -> u64 {
        match &self.content {
            Content::Arriving { offset, .. } => self.length.unwrap_or(*offset),
            Content::Whole { .. } => self.length.unwrap_or(0),
            Content::Withheld { .. } | Content::Deleted { .. } => 0,
        }
    }

    /// Octets that have arrived; all of them once it was whole.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        match &self.content {
            Content::Arriving { offset, .. } => *offset,
            Content::Whole { .. } | Content::Withheld { .. } | Content::Deleted { .. } => {
                self.length.unwrap_or(0)
            }
        }
    }

    /// When `recipient` picked it up first.
    #[must_use]
    pub fn picked_up_by(&self, recipient: &Recipient) -> Option<Timestamp> {
        let by = &recipient.mailbox.address;
        self.picked_up.iter().find(|pick_up| pick_up.by.same_mailbox(by)).map(|pick_up| pick_up.at)
    }
}

impl Content {
    /// Where its octets are, whole or not.
    #[must_use]
    pub const fn blob(&self) -> Option<BlobId> {
        match self {
            Self::Arriving { blob, .. } | Self::Whole { blob, .. } => Some(*blob),
            Self::Withheld { .. } | Self::Deleted { .. } => None,
        }
    }

    /// Of all octets, once all of them were there.
    #[must_use]
    pub const fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Arriving { .. } => None,
            Self::Whole { digest, .. } | Self::Withheld { digest, .. } | Self::Deleted { digest } => {
                Some(digest)
            }
        }
    }

    /// Whether something is still to come.
    #[must_use]
    pub const fn is_arriving(&self) -> bool {
        matches!(self, Self::Arriving { .. })
    }

    /// Whether it can be picked up, if its package can.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }
}

impl Usage {
    pub(super) fn enter(&mut self, file: &File) {
        self.octets = self.octets.saturating_add(file.weight());
        self.uploads = self.uploads.saturating_add(u32::from(file.content.is_arriving()));
    }

    pub(super) fn leave(&mut self, file: &File) {
        self.octets = self.octets.saturating_sub(file.weight());
        self.uploads = self.uploads.saturating_sub(u32::from(file.content.is_arriving()));
    }
}

impl Key for FileRef {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.package, self.number).encode(out);
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let (package, number) = Key::decode(octets)?;
        Some(Self { package, number })
    }

    fn extent(octets: &[u8]) -> Option<usize> {
        <(PackageId, u16)>::extent(octets)
    }
}
