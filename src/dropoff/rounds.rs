//! What comes with time: asking the scanner, warning before the end, ending. Each step is idempotent, so that a crash or a
//! second run does no harm.

use std::time::Duration;

use crate::audit::dropoff::{self as audit, Event};
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PackageId};
use crate::dropoff::{Dropoff, ROUNDS_MAX, too_often, unwritten};
use crate::net::lifecycle::Lifecycle;
use crate::packages::{File, Package, Parcel, Recipient, Stage};
use crate::store::{Batch, StoreFault};

/// How often somebody goes round.
const ROUND_EVERY: Duration = Duration::from_mins(10);
/// How soon a scanner that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_mins(1);
/// Packages that are read at once.
const PAGE: usize = 64;

impl Dropoff {
    /// Goes round until the lifecycle stops.
    pub async fn run(self, lifecycle: Lifecycle) {
        loop {
            let went = tokio::select! {
                () = lifecycle.stopping() => return,
                went = self.go_round() => went,
            };
            let pause = match went {
                Ok(Some(_)) => ROUND_EVERY,
                Ok(None) => ASK_AGAIN,
                Err(fault) => {
                    tracing::warn!(%fault, "drop-offs could not be seen to; trying again later");
                    ASK_AGAIN
                }
            };
            let clock = &self.parts.clock;
            tokio::select! {
                () = lifecycle.stopping() => return,
                () = self.desk.handed_over.notified() => {}
                () = clock.sleep_until(clock.now() + pause) => {}
            }
        }
    }

    /// Sees to everything that is due. Gives to how many packages something was done; `None` where some still wait for
    /// the scanner.
    ///
    /// # Errors
    /// Where the store failed.
    pub async fn go_round(&self) -> Result<Option<usize>, StoreFault> {
        let ended = self.see_to_due().await?;
        self.forget_the_gone().await?;
        let delivered = self.deliver_waiting(self.scanner.as_ref()).await?;
        Ok(delivered.map(|delivered| ended + delivered))
    }

    /// However an account has ended, what its guest had begun goes with it.
    async fn forget_the_gone(&self) -> Result<(), StoreFault> {
        let mut after = None;
        loop {
            let guests = self.parts.packages.guests(after, PAGE)?;
            let Some(last) = guests.last() else { return Ok(()) };
            after = Some(*last);
            for guest in guests {
                if self.parts.accounts.by_id(guest)?.is_none() {
                    self.forget(guest).await?;
                }
            }
        }
    }

    /// What belongs to a guest and was not delivered goes; what was delivered stays with its recipients until its end.
    async fn forget(&self, guest: AccountId) -> Result<(), StoreFault> {
        let mut after = None;
        loop {
            let page = self.parts.packages.sent(guest, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.value.id);
            for package in page.iter().filter(|package| !package.value.is_delivered()) {
                self.forget_one(guest, package.value.id).await?;
            }
        }
    }

    async fn forget_one(&self, guest: AccountId, id: PackageId) -> Result<(), StoreFault> {
        let _turn = self.desk.turn(guest).await;
        for _ in 0..ROUNDS_MAX {
            let parcel = self.of_guest(guest, id)?.filter(|parcel| !parcel.package.value.is_delivered());
            let Some(parcel) = parcel else { return Ok(()) };
            if self.drop_parcel(&parcel, move || audit::record(&Event::Forgotten { package: id })).await? {
                return Ok(());
            }
        }
        Err(too_often())
    }

    async fn see_to_due(&self) -> Result<usize, StoreFault> {
        let mut seen = 0;
        loop {
            let now = self.parts.clock.now();
            let page = self.parts.packages.due(now, PAGE)?;
            let mut moved = 0;
            for package in &page {
                let Some(parcel) = self.parts.packages.parcel(package.value.id)? else { continue };
                moved += usize::from(self.see_to(&parcel, now).await?);
            }
            seen += moved;
            // Where others are first every time, the next round comes in a while.
            if page.len() < PAGE || moved == 0 {
                return Ok(seen);
            }
        }
    }

    /// What is due of one package. False where somebody else was first.
    async fn see_to(&self, parcel: &Parcel, now: Timestamp) -> Result<bool, StoreFault> {
        let package = &parcel.package.value;
        match package.stage {
            Stage::Open => {
                let touched = parcel.files.iter().map(|file| file.value.touched).max();
                let touched = touched.unwrap_or(package.created).max(package.created);
                let ends = touched + self.rules.dropoff.keep_unfinished;
                if ends > now { self.postpone(parcel, ends).await } else { self.end(parcel).await }
            }
            Stage::Delivered { until, warned: false, .. } if now < until => self.warn(parcel, until).await,
            Stage::Delivered { until, .. } if now < until => self.postpone(parcel, until).await,
            Stage::Checked { .. } | Stage::Delivered { .. } => self.end(parcel).await,
        }
    }

    async fn postpone(&self, parcel: &Parcel, due: Timestamp) -> Result<bool, StoreFault> {
        let old = &parcel.package;
        let mut batch = Batch::new();
        self.parts.packages.replace(&mut batch, old, &Package { due, ..old.value.clone() })?;
        self.commit(batch).await
    }

    async fn end(&self, parcel: &Parcel) -> Result<bool, StoreFault> {
        let package = &parcel.package.value;
        let event = Event::Ended { package: package.id, delivered: package.is_delivered() };
        self.drop_parcel(parcel, move || audit::record(&event)).await
    }

    /// Tells those who have not picked everything up that it will not be there for long.
    async fn warn(&self, parcel: &Parcel, until: Timestamp) -> Result<bool, StoreFault> {
        let old = &parcel.package;
        let Stage::Delivered { at, .. } = old.value.stage else { return Ok(false) };
        let stage = Stage::Delivered { at, until, warned: true };
        let new = Package { stage, due: until, ..old.value.clone() };
        let mut batch = Batch::new();
        self.parts.packages.replace(&mut batch, old, &new)?;
        let files: Vec<_> = parcel.files.iter().map(|file| file.value.clone()).collect();
        let mut notices = Vec::new();
        for recipient in new.holders() {
            let left: Vec<_> = files
                .iter()
                .filter(|file| file.content.is_whole() && !has(recipient, file))
                .cloned()
                .collect();
            if left.is_empty() {
                continue;
            }
            let thread = self.parts.invites.last_between(&recipient.mailbox.address, &new.sender.address)?;
            let notice = self.parts.notices.ending(&mut batch, &new, &left, recipient, thread.as_ref());
            notices.push(notice.await.map_err(unwritten)?);
        }
        self.commit_and(batch, notices, |_| ()).await
    }
}

fn has(recipient: &Recipient, file: &File) -> bool {
    file.picked_up_by(recipient).is_some()
}
