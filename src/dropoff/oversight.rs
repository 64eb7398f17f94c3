//! Drop-offs as an administrator sees them: who has left what for whom, and how much it is. Never what is in them.

use crate::audit::Hand;
use crate::audit::dropoff::{self as audit, Event};
use crate::base::id::PackageId;
use crate::dropoff::{Dropoff, ROUNDS_MAX, too_often};
use crate::packages::Parcel;
use crate::store::StoreFault;

/// Guests whose files are counted. Beyond that the sum says that it is one of a part.
const GUESTS_MAX: usize = 2_000;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Packages.
    pub packages: u64,
    /// Octets of all files, those still to come included where it is known how many.
    pub octets: u64,
    /// Whether all guests were counted.
    pub is_whole: bool,
    /// Octets that are free where the files lie; `None` where the system does not say.
    pub free: Option<u64>,
}

impl Dropoff {
    /// Packages of all guests with their files, the newest first, older than `before`, at most `limit`.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn newest(&self, before: Option<PackageId>, limit: usize) -> Result<Vec<Parcel>, StoreFault> {
        self.with_files(self.parts.packages.newest(before, limit)?)
    }

    /// Any package, with its files.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn any(&self, id: PackageId) -> Result<Option<Parcel>, StoreFault> {
        self.parts.packages.parcel(id)
    }

    /// How much there is.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn stock(&self) -> Result<Stock, StoreFault> {
        let usages = self.parts.packages.usages(None, GUESTS_MAX)?;
        let (is_whole, free) = (usages.len() < GUESTS_MAX, self.parts.blobs.free());
        let stock = Stock { is_whole, free, ..Stock::default() };
        Ok(usages.iter().fold(stock, |stock, (_, usage)| Stock {
            packages: stock.packages + u64::from(usage.packages),
            octets: stock.octets.saturating_add(usage.octets),
            ..stock
        }))
    }

    /// Removes a package with all its files, however far it has come. Nobody is told. False where there is none.
    ///
    /// # Errors
    /// Where the store failed.
    pub async fn purge(&self, id: PackageId, hand: Hand<'_>) -> Result<bool, StoreFault> {
        let Some(package) = self.parts.packages.by_id(id)? else { return Ok(false) };
        let _turn = self.desk.turn(package.value.guest).await;
        for _ in 0..ROUNDS_MAX {
            let Some(parcel) = self.any(id)? else { return Ok(false) };
            let (by, peer) = (hand.by.cloned(), hand.peer);
            let note = move || {
                audit::record(&Event::Purged { package: id, hand: Hand { by: by.as_ref(), peer } });
            };
            if self.drop_parcel(&parcel, note).await? {
                return Ok(true);
            }
        }
        Err(too_often())
    }
}
