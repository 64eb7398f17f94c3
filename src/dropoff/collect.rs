//! What staff do with what was left for them.

use std::io;
use std::net::IpAddr;
use std::ops::Range;

use thiserror::Error;

use crate::accounts::Account;
use crate::audit::dropoff::{self as audit, Event};
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::filename::FileName;
use crate::base::id::PackageId;
use crate::base::mailbox::Mailbox;
use crate::base::phrase::{Phrase, phrase};
use crate::dropoff::archive::Item;
use crate::dropoff::{Archive, Dropoff, ROUNDS_MAX, too_often, unwritten};
use crate::packages::{Content, File, FileRef, Package, Parcel, PickUp, Recipient};
use crate::store::blobs::{Digest, Reader};
use crate::store::{Batch, StoreFault};

/// People that one package can be with, those included to whom it was forwarded.
const HOLDERS_MAX: usize = 200;
/// What an archive is called whose package has a subject that is no name.
const ARCHIVE_NAME: &str = "files";

/// A file that is being picked up.
#[derive(Debug)]
pub struct Download {
    /// What to call it.
    pub name: FileName,
    /// Octets of the whole file.
    pub length: u64,
    /// Of the whole file.
    pub digest: Digest,
    /// Which octets follow.
    pub range: Range<u64>,
    /// The octets.
    pub octets: Reader,
}

/// Why something was not done, in words for staff.
#[derive(Debug, Error)]
#[error("{}", self.phrase())]
pub enum CollectFault {
    /// There is none, or it is for others, or it was deleted.
    NotThere,
    /// The file is there, these octets of it are not (416).
    Range(u64),
    /// Nobody of ours.
    NotAColleague(Address),
    /// Somebody has it.
    HasIt(Address),
    /// Over the limit.
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The disk failed.
    #[error("a file could not be read: {0}")]
    Read(#[from] io::Error),
}

impl CollectFault {
    /// What stands in the way. The cause of what failed on our side is for the log (`Display`).
    #[must_use]
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::NotThere => phrase!("These files are not there."),
            Self::Range(octets) => phrase!("The file has {octets} octets.", octets = octets),
            Self::NotAColleague(address) => {
                phrase!("{address} is not an address of a colleague.", address = address)
            }
            Self::HasIt(address) => phrase!("{address} has these files already.", address = address),
            Self::TooMany => {
                phrase!("These files are with {most} people already; that is the most.", most = HOLDERS_MAX)
            }
            Self::Store(_) | Self::Read(_) => {
                phrase!("Something went wrong on our side. Please try again later.")
            }
        }
    }
}

impl Dropoff {
    /// Packages that this person has received, the newest first, older than `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn received(
        &self,
        staff: &Account,
        after: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<Parcel>, StoreFault> {
        self.with_files(self.parts.packages.received(staff.addresses(), after, limit)?)
    }

    /// One package that this person has received; `None` where it is not there, or for others. Picks nothing up.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn received_one(&self, staff: &Account, id: PackageId) -> Result<Option<Parcel>, StoreFault> {
        self.of_staff(staff, id)
    }

    /// A file, or a `range` of it. It counts as picked up when its first octet is asked for: whoever goes on after a
    /// break does not pick it up again, and whether the last octet reached a disk nobody can know.
    ///
    /// # Errors
    /// [`CollectFault::NotThere`], [`CollectFault::Range`], or what the store or the disk says.
    pub async fn pick_up(
        &self,
        staff: &Account,
        file: FileRef,
        range: Option<Range<u64>>,
        peer: IpAddr,
    ) -> Result<Download, CollectFault> {
        let (package, file) = self.whole_file(staff, file)?;
        let (Content::Whole { blob, digest }, Some(length)) = (&file.content, file.length) else {
            return Err(CollectFault::NotThere);
        };
        let range = range.unwrap_or(0..length);
        if range.start > range.end || range.end > length {
            return Err(CollectFault::Range(length));
        }
        let octets = self.parts.blobs.read(*blob, range.clone()).await?;
        if range.start == 0 {
            self.note_pick_up(staff, &package, std::slice::from_ref(&file), peer).await?;
        }
        Ok(Download { name: file.name, length, digest: *digest, range, octets })
    }

    /// All files of a package that can be picked up, as one zip archive. All count as picked up.
    ///
    /// # Errors
    /// [`CollectFault::NotThere`], or what the store says.
    pub async fn pick_up_all(
        &self,
        staff: &Account,
        id: PackageId,
        peer: IpAddr,
    ) -> Result<Archive, CollectFault> {
        let archive = self.archive(staff, id)?;
        let Parcel { package, files } = self.of_staff(staff, id)?.ok_or(CollectFault::NotThere)?;
        let files: Vec<File> =
            files.into_iter().map(|file| file.value).filter(|file| file.content.is_whole()).collect();
        self.note_pick_up(staff, &package.value, &files, peer).await?;
        Ok(archive)
    }

    /// The same archive, to be looked at: its name and length. Picks nothing up.
    ///
    /// # Errors
    /// [`CollectFault::NotThere`], or what the store says.
    pub fn archive(&self, staff: &Account, id: PackageId) -> Result<Archive, CollectFault> {
        let Parcel { package, files } = self.of_staff(staff, id)?.ok_or(CollectFault::NotThere)?;
        let items: Vec<Item> = files.iter().filter_map(|file| item(&file.value)).collect();
        if items.is_empty() {
            return Err(CollectFault::NotThere);
        }
        // Behind the words of a subject no point begins an ending.
        let subject = package.value.subject.replace(['/', '\\', '.'], " ");
        let name = FileName::parse(&format!("{}.zip", subject.trim()))
            .filter(|name| name.as_str() != "zip")
            .or_else(|| FileName::parse(&format!("{ARCHIVE_NAME}.zip")))
            .ok_or(CollectFault::NotThere)?;
        Ok(Archive::of(name, &items, self.parts.blobs.clone()))
    }

    /// Takes a package away from this person. With the last who has it, its octets go.
    ///
    /// # Errors
    /// [`CollectFault::NotThere`], or what the store says.
    pub async fn delete(&self, staff: &Account, id: PackageId, peer: IpAddr) -> Result<(), CollectFault> {
        for _ in 0..ROUNDS_MAX {
            let Parcel { package: old, files } = self.of_staff(staff, id)?.ok_or(CollectFault::NotThere)?;
            let now = self.parts.clock.now();
            let mut new = old.value.clone();
            for recipient in &mut new.recipients {
                if recipient.deleted.is_none() && staff.owns(&recipient.mailbox.address) {
                    recipient.deleted = Some(now);
                }
            }
            let is_last = new.holders().next().is_none();
            let mut batch = Batch::new();
            self.parts.packages.replace(&mut batch, &old, &new)?;
            let emptied: Vec<File> =
                files.iter().filter(|_| is_last).map(|file| without_octets(&file.value)).collect();
            let changes: Vec<_> = files.iter().zip(&emptied).collect();
            self.parts.packages.replace_files(&mut batch, new.guest, &changes)?;
            let gone = files.iter().filter(|_| is_last).filter_map(|file| file.value.content.blob());
            let (gone, by) = (gone.collect::<Vec<_>>(), staff.mailbox.address.clone());
            let then = move |flow: &Self| {
                flow.remove_blobs(gone);
                audit::record(&Event::Deleted { package: id, by: &by, last: is_last, peer });
            };
            if self.commit_and(batch, Vec::new(), then).await? {
                return Ok(());
            }
        }
        Err(too_often().into())
    }

    /// Gives a colleague access of their own, and tells them.
    ///
    /// # Errors
    /// [`CollectFault`] says why not.
    pub async fn forward(
        &self,
        staff: &Account,
        id: PackageId,
        to: &Address,
        peer: IpAddr,
    ) -> Result<Package, CollectFault> {
        if !self.is_ours(to) {
            return Err(CollectFault::NotAColleague(to.clone()));
        }
        for _ in 0..ROUNDS_MAX {
            let Parcel { package: old, files } = self.of_staff(staff, id)?.ok_or(CollectFault::NotThere)?;
            let mut new = old.value.clone();
            if new.recipient_among([to]).is_some() {
                return Err(CollectFault::HasIt(to.clone()));
            }
            let by = Some(staff.mailbox.clone());
            let count = new.recipients.len();
            let told = match new.recipients.iter_mut().find(|one| one.mailbox.address.same_mailbox(to)) {
                // Somebody who has deleted it gets it back as it was theirs; only the notice says through whom.
                Some(deleted) => {
                    deleted.deleted = None;
                    Recipient { forwarded_by: by, ..deleted.clone() }
                }
                None if count >= HOLDERS_MAX => return Err(CollectFault::TooMany),
                None => {
                    let added = Recipient { forwarded_by: by, ..Mailbox::from(to.clone()).into() };
                    new.recipients.push(added.clone());
                    added
                }
            };
            let mut batch = Batch::new();
            self.parts.packages.replace(&mut batch, &old, &new)?;
            let files: Vec<File> = files.into_iter().map(|file| file.value).collect();
            let notice = self.arrived(&mut batch, &new, &files, &told).await.map_err(unwritten)?;
            let (by, to) = (staff.mailbox.address.clone(), to.clone());
            let then =
                move |_: &Self| audit::record(&Event::Forwarded { package: id, by: &by, to: &to, peer });
            if self.commit_and(batch, vec![notice], then).await? {
                return Ok(new);
            }
        }
        Err(too_often().into())
    }

    fn whole_file(&self, staff: &Account, file: FileRef) -> Result<(Package, File), CollectFault> {
        let parcel = self.of_staff(staff, file.package)?.ok_or(CollectFault::NotThere)?;
        let found = parcel.files.into_iter().map(|file| file.value).find(|one| one.id == file);
        let found = found.filter(|file| file.content.is_whole()).ok_or(CollectFault::NotThere)?;
        Ok((parcel.package.value, found))
    }

    /// Notes it once for each of the addresses that the package has come to.
    async fn note_pick_up(
        &self,
        staff: &Account,
        package: &Package,
        files: &[File],
        peer: IpAddr,
    ) -> Result<(), StoreFault> {
        let holders: Vec<&Recipient> =
            package.holders().filter(|recipient| staff.owns(&recipient.mailbox.address)).collect();
        for file in files {
            for _ in 0..ROUNDS_MAX {
                let Some(old) = self.parts.packages.file(file.id)? else { break };
                let new = picked_up(&old.value, &holders, self.parts.clock.now());
                if new.picked_up.len() == old.value.picked_up.len() {
                    break;
                }
                let mut batch = Batch::new();
                self.parts.packages.replace_file(&mut batch, package.guest, &old, &new)?;
                let (package, file, by) = (package.id, file.id.number, staff.mailbox.address.clone());
                let then = move |_: &Self| audit::record(&Event::PickedUp { package, file, by: &by, peer });
                if self.commit_and(batch, Vec::new(), then).await? {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The same file, picked up by these too.
fn picked_up(file: &File, holders: &[&Recipient], at: Timestamp) -> File {
    let mut new = file.clone();
    for holder in holders {
        if new.picked_up_by(holder).is_none() {
            new.picked_up.push(PickUp { by: holder.mailbox.address.clone(), at });
        }
    }
    new
}

/// The same file, after its octets have gone.
fn without_octets(file: &File) -> File {
    let content = match &file.content {
        Content::Whole { digest, .. } => Content::Deleted { digest: *digest },
        other => other.clone(),
    };
    File { content, ..file.clone() }
}

fn item(file: &File) -> Option<Item> {
    match (&file.content, file.length) {
        (Content::Whole { blob, digest }, Some(len)) => Some(Item {
            name: file.name.clone(),
            len,
            crc32: digest.crc32,
            modified: file.touched,
            blob: *blob,
        }),
        _ => None,
    }
}
