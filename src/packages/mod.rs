//! Packages: what guests leave, a message with its files, and who has picked it up.
//!
//! ```text
//! open ──hand over──▶ checked ──clean──▶ delivered ──▶ gone        the guest may discard what is open
//!   │                 (only where a scanner is)          ▲
//!   └─────────────────────────────────────────────────── ┘        each has an end: `due`
//! ```
//! A file is *arriving* until it is whole. When its package is delivered, it may be *withheld* (a virus), and it is
//! *deleted* when the last recipient has deleted the package: its octets go, what is known of it stays until the
//! package's end.
//!
//! The book keeps beside each guest how much there is of theirs, so that a limit is asked with one read. It never
//! touches a blob: who removes a record here is told which blobs nobody names any more.

mod lists;
mod parts;

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, BlobId, PackageId};
use crate::store::schema;
use crate::store::{Batch, Store, StoreFault, Stored, Table};

pub use self::parts::{Content, File, FileRef, Package, PickUp, Recipient, Stage, Usage};

use self::lists::Newest;

const PACKAGES: Table<PackageId, Package> = Table::new(schema::PACKAGES);
const FILES: Table<FileRef, File> = Table::new(schema::FILES);
const SENT: Table<(AccountId, Newest), ()> = Table::new(schema::PACKAGES_SENT);
/// By [`Address::key`](crate::base::address::Address::key).
const RECEIVED: Table<(String, Newest), ()> = Table::new(schema::PACKAGES_RECEIVED);
const DUE: Table<(Timestamp, PackageId), ()> = Table::new(schema::PACKAGES_DUE);
const CHECKED: Table<PackageId, ()> = Table::new(schema::PACKAGES_CHECKED);
const NEWEST: Table<Newest, ()> = Table::new(schema::PACKAGES_NEWEST);
const USAGES: Table<AccountId, Usage> = Table::new(schema::USAGES);

/// Files that are read at once; no package has more.
const FILES_MAX: usize = 1000;

/// The book of packages. Cheap to clone.
#[derive(Clone)]
pub struct Packages {
    store: Store,
}

/// A package with its files, in the order in which they were begun.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The package.
    pub package: Stored<Package>,
    /// Its files.
    pub files: Vec<Stored<File>>,
}

impl Packages {
    /// The book in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// The package with this identifier.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn by_id(&self, id: PackageId) -> Result<Option<Stored<Package>>, StoreFault> {
        PACKAGES.get(&self.store, &id)
    }

    /// One file.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn file(&self, file: FileRef) -> Result<Option<Stored<File>>, StoreFault> {
        FILES.get(&self.store, &file)
    }

    /// The files of a package, in the order in which they were begun.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn files(&self, id: PackageId) -> Result<Vec<Stored<File>>, StoreFault> {
        let files = FILES.scan_prefix(&self.store, &id.octets(), FILES_MAX)?;
        Ok(files.into_iter().map(|(_, file)| file).collect())
    }

    /// A package with its files.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn parcel(&self, id: PackageId) -> Result<Option<Parcel>, StoreFault> {
        let Some(package) = self.by_id(id)? else { return Ok(None) };
        Ok(Some(Parcel { package, files: self.files(id)? }))
    }

    /// How much a guest has here. The commit of what counts on it finds a conflict where that has changed.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn usage(&self, guest: AccountId) -> Result<Usage, StoreFault> {
        Ok(USAGES.get(&self.store, &guest)?.map_or_else(Usage::default, |usage| usage.value))
    }

    /// Guests who have something here, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn guests(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountId>, StoreFault> {
        Ok(self.usages(after, limit)?.into_iter().map(|(guest, _)| guest).collect())
    }

    /// The same with how much it is.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn usages(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(AccountId, Usage)>, StoreFault> {
        let usages = USAGES.scan(&self.store, after.as_ref(), limit)?;
        Ok(usages.into_iter().map(|(guest, usage)| (guest, usage.value)).collect())
    }

    /// Opens a package.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn insert(&self, batch: &mut Batch, package: &Package) -> Result<(), StoreFault> {
        PACKAGES.insert(batch, &package.id, package)?;
        SENT.insert(batch, &(package.guest, Newest(package.id)), &())?;
        NEWEST.insert(batch, &Newest(package.id), &())?;
        DUE.insert(batch, &(package.due, package.id), &())?;
        self.count(batch, package.guest, |usage| usage.packages += 1)
    }

    /// Changes a package, and the lists that it stands in. The commit finds a conflict if somebody else changed it since
    /// `old` was read.
    ///
    /// # Errors
    /// Where the record is too large.
    pub fn replace(&self, batch: &mut Batch, old: &Stored<Package>, new: &Package) -> Result<(), StoreFault> {
        lists::enter(batch, Some(&old.value), Some(new))?;
        PACKAGES.replace(batch, &new.id, old, new)
    }

    /// Removes a package with all its files. Gives the blobs that nobody names any more, once this is committed.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn remove(&self, batch: &mut Batch, parcel: &Parcel) -> Result<Vec<BlobId>, StoreFault> {
        let package = &parcel.package;
        lists::enter(batch, Some(&package.value), None)?;
        NEWEST.delete(batch, &Newest(package.value.id));
        PACKAGES.remove(batch, &package.value.id, package)?;
        for file in &parcel.files {
            FILES.remove(batch, &file.value.id, file)?;
        }
        let files = || parcel.files.iter().map(|file| &file.value);
        self.count(batch, package.value.guest, |usage| {
            usage.packages = usage.packages.saturating_sub(1);
            for file in files() {
                usage.leave(file);
            }
        })?;
        Ok(files().filter_map(|file| file.content.blob()).collect())
    }

    /// Begins a file of a package, which gives it its number.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn insert_file(
        &self,
        batch: &mut Batch,
        package: &Stored<Package>,
        file: &File,
    ) -> Result<(), StoreFault> {
        let next = Package { next_file: package.value.next_file.saturating_add(1), ..package.value.clone() };
        self.replace(batch, package, &next)?;
        FILES.insert(batch, &file.id, file)?;
        self.count(batch, package.value.guest, |usage| usage.enter(file))
    }

    /// Changes one file of `guest`'s. The commit finds a conflict if somebody else changed it since `old` was read.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn replace_file(
        &self,
        batch: &mut Batch,
        guest: AccountId,
        old: &Stored<File>,
        new: &File,
    ) -> Result<(), StoreFault> {
        self.replace_files(batch, guest, &[(old, new)])
    }

    /// The same for several files of one guest: their count is one record, which a batch changes once.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn replace_files(
        &self,
        batch: &mut Batch,
        guest: AccountId,
        changes: &[(&Stored<File>, &File)],
    ) -> Result<(), StoreFault> {
        for (old, new) in changes {
            FILES.replace(batch, &new.id, old, new)?;
        }
        let weighs_the_same = |(old, new): &(&Stored<File>, &File)| {
            old.value.weight() == new.weight() && old.value.content.is_arriving() == new.content.is_arriving()
        };
        if changes.iter().all(weighs_the_same) {
            return Ok(());
        }
        self.count(batch, guest, |usage| {
            for (old, new) in changes {
                usage.leave(&old.value);
                usage.enter(new);
            }
        })
    }

    /// Removes one file of `guest`'s. Its blob, if it has one, is named by nobody once this is committed.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn remove_file(
        &self,
        batch: &mut Batch,
        guest: AccountId,
        file: &Stored<File>,
    ) -> Result<Option<BlobId>, StoreFault> {
        FILES.remove(batch, &file.value.id, file)?;
        self.count(batch, guest, |usage| usage.leave(&file.value))?;
        Ok(file.value.content.blob())
    }

    /// The blobs that records name: what is not among them may be swept at start.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn blobs(&self, each: &mut dyn FnMut(BlobId)) -> Result<(), StoreFault> {
        let mut after = None;
        loop {
            let files = FILES.scan(&self.store, after.as_ref(), FILES_MAX)?;
            files.iter().filter_map(|(_, file)| file.value.content.blob()).for_each(&mut *each);
            match files.last() {
                Some((key, _)) => after = Some(*key),
                None => return Ok(()),
            }
        }
    }

    /// The one way in which a count changes. Two who change it at once do not both: one finds a conflict.
    fn count(
        &self,
        batch: &mut Batch,
        guest: AccountId,
        change: impl FnOnce(&mut Usage),
    ) -> Result<(), StoreFault> {
        let old = USAGES.get(&self.store, &guest)?;
        let mut usage = old.as_ref().map_or_else(Usage::default, |old| old.value);
        change(&mut usage);
        match old {
            None => USAGES.insert(batch, &guest, &usage),
            Some(old) if usage == Usage::default() => USAGES.remove(batch, &guest, &old),
            Some(old) => USAGES.replace(batch, &guest, &old, &usage),
        }
    }
}
