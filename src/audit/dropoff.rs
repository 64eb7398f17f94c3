//! What happens to files that guests leave.

use std::net::IpAddr;

use tracing::info;

use crate::audit::{Hand, from, words};
use crate::base::address::Address;
use crate::base::id::PackageId;

/// Something that happened to a package.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A guest handed it over.
    HandedOver {
        /// Which.
        package: PackageId,
        /// From whom.
        guest: &'a Address,
        /// For how many.
        recipients: usize,
        /// How many files.
        files: usize,
        /// Octets of all of them.
        octets: u64,
        /// From where.
        peer: IpAddr,
    },
    /// A file was kept from everyone and removed.
    Withheld {
        /// Of which package.
        package: PackageId,
        /// The file's number.
        file: u16,
        /// What the scanner found.
        finding: &'a str,
    },
    /// Its recipients have it.
    Delivered {
        /// Which.
        package: PackageId,
    },
    /// Somebody picked a file up for the first time.
    PickedUp {
        /// Of which package.
        package: PackageId,
        /// The file's number.
        file: u16,
        /// Who.
        by: &'a Address,
        /// From where.
        peer: IpAddr,
    },
    /// Somebody passed it on.
    Forwarded {
        /// Which.
        package: PackageId,
        /// Who.
        by: &'a Address,
        /// To whom.
        to: &'a Address,
        /// From where.
        peer: IpAddr,
    },
    /// A recipient deleted it; with the last, its files were removed.
    Deleted {
        /// Which.
        package: PackageId,
        /// Who.
        by: &'a Address,
        /// Whether that was the last.
        last: bool,
        /// From where.
        peer: IpAddr,
    },
    /// An administrator removed it, with all its files.
    Purged {
        /// Which.
        package: PackageId,
        /// Who did.
        hand: Hand<'a>,
    },
    /// Its time was over, and it was removed.
    Ended {
        /// Which.
        package: PackageId,
        /// Whether it had been delivered.
        delivered: bool,
    },
    /// It was removed with the account of its guest, before it was delivered.
    Forgotten {
        /// Which.
        package: PackageId,
    },
}

/// Writes one line.
pub fn record(event: &Event<'_>) {
    match *event {
        Event::HandedOver { package, guest, recipients, files, octets, peer } => {
            let guest = guest.masked();
            info!(target: "audit", %package, guest, recipients, files, octets, %peer, "files handed over");
        }
        Event::Withheld { package, file, finding } => {
            info!(target: "audit", %package, file, finding = words(finding), "file withheld");
        }
        Event::Delivered { package } => info!(target: "audit", %package, "files delivered"),
        Event::PickedUp { package, file, by, peer } => {
            info!(target: "audit", %package, file, by = by.masked(), %peer, "file picked up");
        }
        Event::Forwarded { package, by, to, peer } => {
            info!(target: "audit", %package, by = by.masked(), to = to.masked(), %peer, "files forwarded");
        }
        Event::Deleted { package, by, last, peer } => {
            info!(target: "audit", %package, by = by.masked(), last, %peer, "files deleted");
        }
        Event::Purged { package, hand } => {
            let (by, peer) = (hand.who(), from(hand.peer));
            info!(target: "audit", %package, by, peer, "files removed by an administrator");
        }
        Event::Ended { package, delivered } => {
            info!(target: "audit", %package, delivered, "files removed: their time is over");
        }
        Event::Forgotten { package } => {
            info!(target: "audit", %package, "files removed with their guest's account");
        }
    }
}
