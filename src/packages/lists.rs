//! The lists that packages stand in: whose, for whom, due when, waiting for the scanner. Each page of one costs the same
//! however long it is.

use std::collections::BTreeSet;

use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PackageId};
use crate::packages::{CHECKED, DUE, NEWEST, Package, Packages, RECEIVED, SENT, Stage};
use crate::store::{Batch, Key, StoreFault, Stored, Table};

/// Later packages sort before earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newest(pub(super) PackageId);

impl Packages {
    /// Packages of a guest, the newest first, older than `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn sent(
        &self,
        guest: AccountId,
        after: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<Stored<Package>>, StoreFault> {
        let after = after.map(|after| (guest, Newest(after)));
        let page = SENT.scan_page(&self.store, &guest.octets(), after.as_ref(), limit)?;
        self.all(page.into_iter().map(|((_, Newest(id)), _)| id))
    }

    /// Packages of all guests, the newest first, older than `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn newest(&self, after: Option<PackageId>, limit: usize) -> Result<Vec<Stored<Package>>, StoreFault> {
        let page = NEWEST.scan(&self.store, after.map(Newest).as_ref(), limit)?;
        self.all(page.into_iter().map(|(Newest(id), _)| id))
    }

    /// Packages that were delivered to one of these addresses and not deleted, the newest first, older than `after`, at
    /// most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn received<'a>(
        &self,
        addresses: impl IntoIterator<Item = &'a Address>,
        after: Option<PackageId>,
        limit: usize,
    ) -> Result<Vec<Stored<Package>>, StoreFault> {
        // Each list is in order; the newest of all are among the newest of each.
        let mut newest = BTreeSet::new();
        for address in addresses {
            let key = address.key();
            let mut prefix = Vec::new();
            key.encode(&mut prefix);
            let after = after.map(|after| (key, Newest(after)));
            let page = RECEIVED.scan_page(&self.store, &prefix, after.as_ref(), limit)?;
            newest.extend(page.into_iter().map(|((_, Newest(id)), _)| id));
        }
        self.all(newest.into_iter().rev().take(limit))
    }

    /// Packages that somebody must see to by `now`, the most urgent first, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Stored<Package>>, StoreFault> {
        let page = DUE.scan(&self.store, None, limit)?;
        self.all(page.into_iter().map(|(key, _)| key).take_while(|(due, _)| *due <= now).map(|(_, id)| id))
    }

    /// Packages that wait for the scanner, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn checked(&self, after: Option<PackageId>, limit: usize) -> Result<Vec<PackageId>, StoreFault> {
        let page = CHECKED.scan(&self.store, after.as_ref(), limit)?;
        Ok(page.into_iter().map(|(id, _)| id).collect())
    }

    /// What a list names and is still there.
    fn all(&self, ids: impl Iterator<Item = PackageId>) -> Result<Vec<Stored<Package>>, StoreFault> {
        ids.filter_map(|id| self.by_id(id).transpose()).collect()
    }
}

/// Moves a package from the lists that it stands in to those where it should.
pub(super) fn enter(
    batch: &mut Batch,
    old: Option<&Package>,
    new: Option<&Package>,
) -> Result<(), StoreFault> {
    let sent = |package: &Package| vec![(package.guest, Newest(package.id))];
    let due = |package: &Package| vec![(package.due, package.id)];
    let checked = |package: &Package| match package.stage {
        Stage::Checked { .. } => vec![package.id],
        Stage::Open | Stage::Delivered { .. } => Vec::new(),
    };
    let received = |package: &Package| {
        let holders = package.holders().filter(|_| package.is_delivered());
        holders.map(|holder| (holder.mailbox.address.key(), Newest(package.id))).collect()
    };
    shift(batch, &SENT, old.map(sent), new.map(sent))?;
    shift(batch, &DUE, old.map(due), new.map(due))?;
    shift(batch, &CHECKED, old.map(checked), new.map(checked))?;
    shift(batch, &RECEIVED, old.map(received), new.map(received))
}

fn shift<K: Key + PartialEq>(
    batch: &mut Batch,
    list: &Table<K, ()>,
    old: Option<Vec<K>>,
    new: Option<Vec<K>>,
) -> Result<(), StoreFault> {
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    for key in old.iter().filter(|key| !new.contains(key)) {
        list.delete(batch, key);
    }
    for key in new.iter().filter(|key| !old.contains(key)) {
        list.put(batch, key, &())?;
    }
    Ok(())
}

impl Key for Newest {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.0.octets().map(|octet| !octet));
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let octets: [u8; 16] = octets.try_into().ok()?;
        Some(Self(PackageId::from_octets(octets.map(|octet| !octet))))
    }

    fn extent(_: &[u8]) -> Option<usize> {
        Some(16)
    }
}
