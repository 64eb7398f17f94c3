//! What waits for the scanner's word. A file about which it fails holds up its own package only, and that not for ever; a
//! scanner that works about nothing condemns none.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::base::id::PackageId;
use crate::dropoff::Dropoff;
use crate::dropoff::handover::Findings;
use crate::dropoff::scan::{Clamd, Finding, ScanFault};
use crate::packages::{Content, File, Parcel, Stage};
use crate::store::StoreFault;

/// How long after the hand-over a file about which the scanner fails is kept for it; the record of the package says
/// since when, so that a restart does not prolong it.
const JUDGED_WITHIN: Duration = Duration::from_hours(4);
/// How often it must have failed besides, since we are up: where it was away for hours, its first fault is not the last.
/// From the second on a fault counts only where it has just been seen to work.
const TRIES_MIN: u32 = 6;
/// How soon it is asked again after the first fault; after each other one, twice as late …
const FIRST_PAUSE: Duration = Duration::from_mins(1);
/// … but no later than that.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);
/// Packages that are read at once.
const PAGE: usize = 64;
/// What is told of a file about which the scanner has failed to the last.
const UNJUDGED: &str = "the virus scanner could not examine it";

/// Packages about which the scanner has failed: at most as many as waited in the last round.
#[derive(Default)]
pub(super) struct Tries(Mutex<HashMap<PackageId, Try>>);

/// How often, and when it is asked again.
#[derive(Clone, Copy)]
pub(super) struct Try {
    faults: u32,
    next: Timestamp,
}

impl Dropoff {
    /// Everything that waits for the scanner, the oldest first, but what it has failed about behind all else. Gives to how
    /// many packages something was done; `None` where some still wait. Where there is no scanner any more, all is
    /// delivered as it is.
    pub(super) async fn deliver_waiting(&self, clamd: Option<&Clamd>) -> Result<Option<usize>, StoreFault> {
        let (mut after, mut again, mut met) = (None, Vec::new(), HashSet::new());
        let (mut delivered, mut is_all) = (0, true);
        loop {
            let mut page = self.parts.packages.checked(after, PAGE)?;
            if let Some(last) = page.last() {
                after = Some(*last);
                met.extend(page.iter().copied());
                page.retain(|id| {
                    let is_new = self.desk.tries.of(*id).is_none();
                    if !is_new {
                        again.push(*id);
                    }
                    is_new
                });
            } else if again.is_empty() {
                self.desk.tries.keep(&met);
                return Ok(is_all.then_some(delivered));
            } else {
                page = std::mem::take(&mut again);
            }
            for id in page {
                let Some(parcel) = self.parts.packages.parcel(id)? else { continue };
                let findings = match clamd {
                    None => Some(Findings::new()),
                    Some(clamd) => match self.findings(clamd, &parcel).await {
                        Ok(findings) => findings,
                        Err(fault) => {
                            let fault = &fault as &dyn Error;
                            tracing::error!(fault, "the virus scanner does not work; files wait for it");
                            return Ok(None);
                        }
                    },
                };
                let Some(findings) = findings else {
                    is_all = false;
                    continue;
                };
                // Who was first has withdrawn it with the account; else the next round finds it again.
                delivered += usize::from(self.deliver(&parcel, findings, || ()).await?.is_some());
            }
        }
    }

    /// What the scanner says of all files; `None` where it is to be asked again later.
    ///
    /// # Errors
    /// Where it works about nothing.
    async fn findings(&self, clamd: &Clamd, parcel: &Parcel) -> Result<Option<Findings>, ScanFault> {
        let package = &parcel.package.value;
        let Stage::Checked { since } = package.stage else { return Ok(None) };
        let (now, before) = (self.parts.clock.now(), self.desk.tries.of(package.id));
        if before.is_some_and(|before| before.next > now) {
            return Ok(None);
        }
        // Asked before the file, not behind it: else one that brings the scanner down would hold up everybody.
        if before.is_some() {
            clamd.works().await?;
        }
        let before = before.map_or(0, |before| before.faults);
        let faults = before + 1;
        let is_last = faults >= TRIES_MIN && now >= since + JUDGED_WITHIN;
        let mut findings = Findings::new();
        for file in &parcel.files {
            let number = file.value.id.number;
            match self.finding(clamd, &file.value).await {
                Ok(Finding::Clean) => {}
                Ok(Finding::Found(name)) => {
                    findings.insert(number, name);
                }
                Err(fault @ ScanFault::Unreached(_)) => return Err(fault),
                Err(ref fault @ ScanFault::Unread(_)) => {
                    // The fault of our own disk, and no reason to destroy anything.
                    let (id, fault) = (package.id, fault as &dyn Error);
                    tracing::error!(package = %id, file = number, fault, "a file cannot be shown to the virus scanner");
                    self.desk.tries.note(id, before, now);
                    return Ok(None);
                }
                Err(fault) => {
                    let id = package.id;
                    tracing::warn!(
                        package = %id, file = number, is_last, fault = &fault as &dyn Error,
                        "the virus scanner fails about a file"
                    );
                    if !is_last {
                        self.desk.tries.note(id, faults, now);
                        clamd.works().await?;
                        return Ok(None);
                    }
                    findings.insert(number, UNJUDGED.to_owned());
                }
            }
        }
        Ok(Some(findings))
    }

    async fn finding(&self, clamd: &Clamd, file: &File) -> Result<Finding, ScanFault> {
        let Content::Whole { blob, .. } = file.content else { return Ok(Finding::Clean) };
        let octets = self.parts.blobs.read(blob, 0..file.weight()).await;
        clamd.ask(octets.map_err(ScanFault::Unread)?).await
    }
}

impl Tries {
    /// The package is delivered or gone.
    pub(super) fn forget(&self, id: PackageId) {
        self.tries().remove(&id);
    }

    /// What does not wait any more is forgotten, also what went while it was judged.
    fn keep(&self, waiting: &HashSet<PackageId>) {
        self.tries().retain(|id, _| waiting.contains(id));
    }

    pub(super) fn of(&self, id: PackageId) -> Option<Try> {
        self.tries().get(&id).copied()
    }

    pub(super) fn note(&self, id: PackageId, faults: u32, now: Timestamp) {
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(faults.saturating_sub(1)));
        self.tries().insert(id, Try { faults, next: now + pause.min(LONGEST_PAUSE) });
    }

    fn tries(&self) -> MutexGuard<'_, HashMap<PackageId, Try>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
