//! What a guest does with a drop-off before it is handed over.

use crate::accounts::{Account, Kind};
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, BlobId, PackageId};
use crate::base::mailbox::{Mailbox, breaks_line, is_unseen};
use crate::config::Recipients;
use crate::dropoff::{DepositFault, Dropoff, ROUNDS_MAX, too_often};
use crate::packages::{File, FileRef, Package, Parcel, Recipient, Stage, Usage};
use crate::store::{Batch, StoreFault, Stored};

/// What a guest writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// For whom.
    pub to: Vec<Address>,
    /// In one line.
    pub subject: String,
    /// Any lines.
    pub message: String,
}

impl Dropoff {
    /// Whom this guest may leave something for, if those can be listed; where everybody in the organisation may be
    /// written to, these are the ones that are offered.
    #[must_use]
    pub fn offered<'a>(&self, guest: &'a Account) -> &'a [Mailbox] {
        &guest.inviters
    }

    /// How much more this guest may bring, in octets.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn left_for(&self, guest: &Account) -> Result<u64, StoreFault> {
        Ok(self.left(self.parts.packages.usage(guest.id)?))
    }

    /// Opens a drop-off.
    ///
    /// # Errors
    /// [`DepositFault`] names the field, or the limit.
    pub async fn begin(&self, guest: &Account, draft: &Draft) -> Result<Package, DepositFault> {
        let _turn = self.desk.turn(guest.id).await;
        let guest = self.present(guest.id)?;
        let draft = self.checked(&guest, draft)?;
        let max = self.rules.dropoff.guest_dropoffs;
        for _ in 0..ROUNDS_MAX {
            if self.parts.packages.usage(guest.id)?.packages >= max {
                return Err(DepositFault::TooManyDropoffs(max));
            }
            let now = self.parts.clock.now();
            let package = Package {
                id: PackageId::fresh(),
                guest: guest.id,
                sender: guest.mailbox.clone(),
                recipients: draft.recipients.clone(),
                subject: draft.subject.clone(),
                message: draft.message.clone(),
                stage: Stage::Open,
                created: now,
                due: now + self.rules.dropoff.keep_unfinished,
                next_file: 0,
            };
            let mut batch = Batch::new();
            self.parts.packages.insert(&mut batch, &package)?;
            if self.commit(batch).await? {
                return Ok(package);
            }
        }
        Err(too_often().into())
    }

    /// Changes whom it is for, and what it says.
    ///
    /// # Errors
    /// [`DepositFault`] names the field.
    pub async fn revise(
        &self,
        guest: &Account,
        id: PackageId,
        draft: &Draft,
    ) -> Result<Package, DepositFault> {
        let _turn = self.desk.turn(guest.id).await;
        let guest = self.present(guest.id)?;
        let Checked { recipients, subject, message } = self.checked(&guest, draft)?;
        for _ in 0..ROUNDS_MAX {
            let old = self.open_package(guest.id, id)?.package;
            let (recipients, subject, message) = (recipients.clone(), subject.clone(), message.clone());
            let new = Package { recipients, subject, message, ..old.value.clone() };
            let mut batch = Batch::new();
            self.parts.packages.replace(&mut batch, &old, &new)?;
            if self.commit(batch).await? {
                return Ok(new);
            }
        }
        Err(too_often().into())
    }

    /// Takes a file back, whole or not.
    ///
    /// # Errors
    /// [`DepositFault::NotThere`], [`DepositFault::Closed`], or the store's.
    pub async fn remove(&self, guest: &Account, file: FileRef) -> Result<(), DepositFault> {
        self.remove_of(guest.id, file).await
    }

    pub(super) async fn remove_of(&self, guest: AccountId, file: FileRef) -> Result<(), DepositFault> {
        let _turn = self.desk.turn(guest).await;
        for _ in 0..ROUNDS_MAX {
            let (package, old) = self.open_file(guest, file)?;
            let mut batch = Batch::new();
            // The package is touched too, so that it is not handed over with this file meanwhile.
            self.parts.packages.replace(&mut batch, &package, &package.value)?;
            let blob = self.parts.packages.remove_file(&mut batch, guest, &old)?;
            let then = move |flow: &Self| {
                flow.desk.clear(file);
                flow.remove_blobs(blob);
            };
            if self.commit_and(batch, Vec::new(), then).await? {
                return Ok(());
            }
        }
        Err(too_often().into())
    }

    /// Takes a drop-off back that was not handed over.
    ///
    /// # Errors
    /// [`DepositFault::NotThere`], [`DepositFault::Closed`], or the store's.
    pub async fn discard(&self, guest: &Account, id: PackageId) -> Result<(), DepositFault> {
        let _turn = self.desk.turn(guest.id).await;
        for _ in 0..ROUNDS_MAX {
            let parcel = self.open_package(guest.id, id)?;
            if self.drop_parcel(&parcel, || ()).await? {
                return Ok(());
            }
        }
        Err(too_often().into())
    }

    /// A drop-off of this guest's, at whatever stage; `None` where it is not there or somebody else's.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn parcel(&self, guest: &Account, id: PackageId) -> Result<Option<Parcel>, StoreFault> {
        self.of_guest(guest.id, id)
    }

    /// One file of this guest's; `None` where it is not there or somebody else's. Its
    /// [`arrived`](File::arrived) octets are where an upload goes on.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn file(&self, guest: &Account, file: FileRef) -> Result<Option<File>, StoreFault> {
        let package = self.parts.packages.by_id(file.package)?;
        if package.is_none_or(|package| package.value.guest != guest.id) {
            return Ok(None);
        }
        Ok(self.parts.packages.file(file)?.map(|file| file.value))
    }

    /// When an upload is given up if nothing more is done about it.
    #[must_use]
    pub fn upload_ends(&self, file: &File) -> Timestamp {
        file.touched + self.rules.dropoff.keep_unfinished
    }

    /// Drop-offs of this guest's, the newest first, older than `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sent(
        &self,
        guest: &Account,
        after: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<Parcel>, StoreFault> {
        self.with_files(self.parts.packages.sent(guest.id, after, limit)?)
    }

    /// Removes a package and, after that, its octets; then comes `note`. False where somebody else was first.
    pub(super) async fn drop_parcel(
        &self,
        parcel: &Parcel,
        note: impl FnOnce() + Send + 'static,
    ) -> Result<bool, StoreFault> {
        let mut batch = Batch::new();
        let blobs = self.parts.packages.remove(&mut batch, parcel)?;
        let id = parcel.package.value.id;
        let files: Vec<FileRef> = parcel.files.iter().map(|file| file.value.id).collect();
        let then = move |flow: &Self| {
            for file in files {
                flow.desk.clear(file);
            }
            flow.desk.tries.forget(id);
            flow.remove_blobs(blobs);
            note();
        };
        self.commit_and(batch, Vec::new(), then).await
    }

    /// After the commit by which nobody names them any more.
    pub(super) fn remove_blobs(&self, blobs: impl IntoIterator<Item = BlobId>) {
        for blob in blobs {
            self.parts.blobs.remove(blob);
        }
    }

    pub(super) fn with_files(&self, packages: Vec<Stored<Package>>) -> Result<Vec<Parcel>, StoreFault> {
        let with_files = |package: Stored<Package>| {
            let files = self.parts.packages.files(package.value.id)?;
            Ok(Parcel { package, files })
        };
        packages.into_iter().map(with_files).collect()
    }

    /// A package of this guest's that may still be changed.
    pub(super) fn open_package(&self, guest: AccountId, id: PackageId) -> Result<Parcel, DepositFault> {
        let parcel = self.of_guest(guest, id)?.ok_or(DepositFault::NotThere)?;
        if parcel.package.value.is_open() { Ok(parcel) } else { Err(DepositFault::Closed) }
    }

    /// A file of such a package, and the package.
    pub(super) fn open_file(
        &self,
        guest: AccountId,
        file: FileRef,
    ) -> Result<(Stored<Package>, Stored<File>), DepositFault> {
        let package = self.parts.packages.by_id(file.package)?;
        let package = package.filter(|package| package.value.guest == guest).ok_or(DepositFault::NotThere)?;
        let file = self.parts.packages.file(file)?.ok_or(DepositFault::NotThere)?;
        if package.value.is_open() { Ok((package, file)) } else { Err(DepositFault::Closed) }
    }

    /// Whether a guest may have so many octets more.
    pub(super) fn room_for(&self, usage: Usage, octets: u64) -> Result<(), DepositFault> {
        let left = self.left(usage);
        if octets > left {
            return Err(DepositFault::GuestFull { max: self.rules.dropoff.guest_octets, left });
        }
        Ok(())
    }

    fn left(&self, usage: Usage) -> u64 {
        self.rules.dropoff.guest_octets.saturating_sub(usage.octets)
    }

    /// The guest as the account stands now: it may have been locked or ended, or an inviter be gone, while what this guest
    /// sends was on its way.
    pub(super) fn present(&self, guest: AccountId) -> Result<Account, DepositFault> {
        let account = self.parts.accounts.by_id(guest)?.map(|account| account.value);
        account.filter(|guest| guest.kind == Kind::Guest && !guest.locked).ok_or(DepositFault::NoAccess)
    }

    fn checked(&self, guest: &Account, draft: &Draft) -> Result<Checked, DepositFault> {
        let recipients = self.recipients(guest, &draft.to)?;
        let subject: String = draft
            .subject
            .chars()
            .filter(|c| !is_unseen(*c))
            .map(|c| if breaks_line(c) { ' ' } else { c })
            .collect();
        let subject = subject.trim().to_owned();
        if subject.is_empty() {
            return Err(DepositFault::NoSubject);
        }
        let max = self.rules.subject_characters;
        if subject.chars().count() > max {
            return Err(DepositFault::SubjectTooLong(max));
        }
        let max = self.rules.dropoff.message_characters;
        if draft.message.chars().count() > max {
            return Err(DepositFault::MessageTooLong(max));
        }
        Ok(Checked { recipients, subject, message: draft.message.replace("\r\n", "\n") })
    }

    /// Each once, under the name that we know.
    fn recipients(&self, guest: &Account, to: &[Address]) -> Result<Vec<Recipient>, DepositFault> {
        let max = self.rules.dropoff.recipients_max;
        let mut recipients: Vec<Recipient> = Vec::new();
        for address in to {
            if recipients.iter().any(|recipient| recipient.mailbox.address.same_mailbox(address)) {
                continue;
            }
            // Each is compared to all before it, so that these are to be few.
            if recipients.len() >= max {
                return Err(DepositFault::TooManyRecipients(max));
            }
            recipients.push(self.recipient(guest, address)?.into());
        }
        if recipients.is_empty() { Err(DepositFault::NoRecipient) } else { Ok(recipients) }
    }

    /// Somebody whom this guest may send to.
    pub(super) fn recipient(&self, guest: &Account, address: &Address) -> Result<Mailbox, DepositFault> {
        let inviter = guest.inviters.iter().find(|inviter| inviter.address.same_mailbox(address));
        match (inviter, self.rules.dropoff.recipients) {
            (Some(inviter), _) => Ok(inviter.clone()),
            (None, Recipients::Organisation) if self.is_ours(address) => Ok(address.clone().into()),
            (None, _) => Err(DepositFault::NotARecipient(address.clone())),
        }
    }
}

/// A draft that may be kept.
struct Checked {
    recipients: Vec<Recipient>,
    subject: String,
    message: String,
}
