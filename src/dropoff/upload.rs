//! Octets that arrive.

use std::fmt::Display;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::accounts::Account;
use crate::base::id::{AccountId, BlobId};
use crate::dropoff::desk::Seat;
use crate::dropoff::{DepositFault, Dropoff, ROUNDS_MAX, too_often};
use crate::packages::{Content, File, FileRef};
use crate::store::blobs::{Digesting, Writer};
use crate::store::{Batch, Stored};

/// After so many octets what has arrived is made durable and promised, so that a crash costs no more than these.
const PROMISE_EVERY: u64 = 32 << 20;

/// Why a stream of octets ended.
enum End {
    /// It was all.
    Complete,
    /// It broke off, fell silent, or was told to go.
    Cut,
    /// A limit was reached.
    Refused(DepositFault),
}

/// When a file whose length nobody has said is whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// When it has the length that was said, now or later.
    AtLength,
    /// When the stream ends.
    AtEnd,
}

impl Dropoff {
    /// Writes on at `offset`, which must be where the file ends ([`File::arrived`]); `length` is said now or was said
    /// before. Gives the file as it is then: whole when all of its octets are there.
    ///
    /// What arrives is kept, also when the caller is gone: this goes on by itself until the stream ends, breaks off or
    /// falls silent (`dropoff.idle`). Whoever wrote this file until now is told to go.
    ///
    /// # Errors
    /// [`DepositFault::Offset`] and [`DepositFault::Interrupted`] say where it goes on; others name the limit.
    pub async fn append<S, E>(
        &self,
        guest: &Account,
        file: FileRef,
        offset: u64,
        length: Option<u64>,
        octets: S,
    ) -> Result<File, DepositFault>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let (flow, guest) = (self.clone(), guest.id);
        self.apart("upload", async move {
            let seat = flow.desk.seat(file).await.ok_or(DepositFault::Busy)?;
            let old = flow.opened(guest, file, offset, length).await?;
            flow.receive(guest, old, &seat, Whole::AtLength, octets).await
        })
        .await
    }

    /// Whether [`append`](Self::append) would go on there, to be asked before octets are read that it would not take.
    ///
    /// # Errors
    /// As of that.
    pub fn expects(&self, guest: &Account, file: FileRef, offset: u64) -> Result<(), DepositFault> {
        self.standing(guest.id, file, offset).map(|_| ())
    }

    fn standing(&self, guest: AccountId, file: FileRef, offset: u64) -> Result<Stored<File>, DepositFault> {
        let (_, old) = self.open_file(guest, file)?;
        let at = old.value.arrived();
        if offset == at { Ok(old) } else { Err(DepositFault::Offset { at }) }
    }

    /// The file, if it stands at `offset` and may get `length`.
    pub(super) async fn opened(
        &self,
        guest: AccountId,
        file: FileRef,
        offset: u64,
        length: Option<u64>,
    ) -> Result<Stored<File>, DepositFault> {
        let old = self.standing(guest, file, offset)?;
        let at = old.value.arrived();
        match (length, old.value.length) {
            (None, _) => Ok(old),
            (Some(said), Some(known)) if said == known => Ok(old),
            (Some(said), None) if said >= at => self.with_length(guest, file, said).await,
            (Some(_), _) => Err(DepositFault::Length),
        }
    }

    /// Notes the length of a file, whose octets count from now on.
    async fn with_length(
        &self,
        guest: AccountId,
        file: FileRef,
        length: u64,
    ) -> Result<Stored<File>, DepositFault> {
        let max = self.rules.dropoff.file_octets;
        if length > max {
            return Err(DepositFault::FileTooLarge(max));
        }
        let _turn = self.desk.turn(guest).await;
        for _ in 0..ROUNDS_MAX {
            let (_, old) = self.open_file(guest, file)?;
            let more = length.saturating_sub(old.value.arrived());
            self.room_for(self.parts.packages.usage(guest)?, more)?;
            if !self.parts.blobs.has_room_for(more) {
                return Err(DepositFault::DiskFull);
            }
            let new = File { length: Some(length), ..old.value.clone() };
            let mut batch = Batch::new();
            self.parts.packages.replace_file(&mut batch, guest, &old, &new)?;
            if self.commit(batch).await? {
                return Ok(self.open_file(guest, file)?.1);
            }
        }
        Err(too_often().into())
    }

    /// Takes what comes until it ends, and promises what has come.
    pub(super) async fn receive<S, E>(
        &self,
        guest: AccountId,
        old: Stored<File>,
        seat: &Seat,
        whole: Whole,
        octets: S,
    ) -> Result<File, DepositFault>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display + Send,
    {
        let file = old.value;
        let Content::Arriving { blob, offset } = file.content else { return Ok(file) };
        let mut writer = self.parts.blobs.append(blob, offset, seat.digesting()).await?;
        let end = self.pour(guest, &file, seat, &mut writer, octets).await;
        // Whatever ended it, what has arrived is kept.
        let (at, digesting) = writer.sync().await?;
        let length = match (&end, whole) {
            (End::Complete, Whole::AtEnd) => Some(at),
            _ => file.length,
        };
        let kept = self.promise(guest, file.id, blob, at, length, digesting.clone()).await?;
        seat.keep(digesting.filter(|_| kept.content.is_arriving()));
        match end {
            End::Complete => Ok(kept),
            End::Cut => Err(DepositFault::Interrupted { at }),
            End::Refused(fault) => Err(fault),
        }
    }

    async fn pour<S, E>(
        &self,
        guest: AccountId,
        file: &File,
        seat: &Seat,
        writer: &mut Writer,
        octets: S,
    ) -> End
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display + Send,
    {
        let clock = &self.parts.clock;
        let max = file.length.unwrap_or(self.rules.dropoff.file_octets);
        let mut promised = writer.len();
        let mut octets = std::pin::pin!(octets);
        loop {
            let piece = tokio::select! {
                piece = octets.next() => piece,
                () = seat.told_to_go() => return End::Cut,
                () = self.parts.lifecycle.stopping() => return End::Cut,
                () = clock.sleep_until(clock.now() + self.rules.dropoff.idle) => return End::Cut,
            };
            let piece = match piece {
                None => return End::Complete,
                Some(Ok(piece)) => piece,
                Some(Err(reason)) => {
                    tracing::debug!(file = ?file.id, %reason, "an upload broke off");
                    return End::Cut;
                }
            };
            if writer.len().saturating_add(piece.len() as u64) > max {
                let fault = if file.length.is_some() {
                    DepositFault::Beyond
                } else {
                    DepositFault::FileTooLarge(max)
                };
                return End::Refused(fault);
            }
            if let Err(fault) = writer.write(&piece).await {
                return End::Refused(fault.into());
            }
            if writer.len() - promised >= PROMISE_EVERY {
                if let Err(fault) = self.promise_so_far(guest, file, writer).await {
                    return End::Refused(fault);
                }
                promised = writer.len();
            }
        }
    }

    async fn promise_so_far(
        &self,
        guest: AccountId,
        file: &File,
        writer: &mut Writer,
    ) -> Result<(), DepositFault> {
        let Content::Arriving { blob, .. } = file.content else { return Ok(()) };
        let (at, digesting) = writer.sync().await?;
        self.promise(guest, file.id, blob, at, file.length, digesting).await?;
        if self.parts.blobs.has_room_for(0) { Ok(()) } else { Err(DepositFault::DiskFull) }
    }

    /// Notes that `at` octets are durable; with all of `length`, the file is whole. What counts now that did not before
    /// must be within the limit of a guest who is still there.
    ///
    /// The digest was made on the way. After a restart in the middle it was not: then the file is read once more.
    async fn promise(
        &self,
        guest: AccountId,
        file: FileRef,
        blob: BlobId,
        at: u64,
        length: Option<u64>,
        digesting: Option<Digesting>,
    ) -> Result<File, DepositFault> {
        let content = match (length == Some(at), digesting) {
            (false, _) => Content::Arriving { blob, offset: at },
            (true, Some(digesting)) => Content::Whole { blob, digest: digesting.finish() },
            (true, None) => Content::Whole { blob, digest: self.parts.blobs.digest(blob, at).await? },
        };
        let _turn = self.desk.turn(guest).await;
        for _ in 0..ROUNDS_MAX {
            self.present(guest)?;
            let (_, old) = self.open_file(guest, file)?;
            let touched = self.parts.clock.now();
            let new = File { length, touched, content: content.clone(), ..old.value.clone() };
            let more = new.weight().saturating_sub(old.value.weight());
            self.room_for(self.parts.packages.usage(guest)?, more)?;
            let mut batch = Batch::new();
            self.parts.packages.replace_file(&mut batch, guest, &old, &new)?;
            if self.commit(batch).await? {
                return Ok(new);
            }
        }
        Err(too_often().into())
    }
}
