//! A file begins: in an upload, or as a part of a form.

use std::fmt::Display;

use bytes::Bytes;
use futures_util::Stream;

use crate::accounts::Account;
use crate::base::filename::FileName;
use crate::base::id::{AccountId, BlobId, PackageId};
use crate::dropoff::upload::Whole;
use crate::dropoff::{DepositFault, Dropoff, ROUNDS_MAX, too_often};
use crate::packages::{Content, File, FileRef, Package, Parcel};
use crate::store::blobs::Digesting;
use crate::store::{Batch, Stored};

/// A file that was begun. Unless it is kept it goes again: whoever has begun it may be gone.
struct Begun {
    flow: Dropoff,
    guest: AccountId,
    file: FileRef,
    is_kept: bool,
}

impl Dropoff {
    /// Begins a file. Of a length that is known all limits are told now; of one that is not, when they are reached. A
    /// file of no octets is whole at once. Nothing of it is left where the caller goes before it is told.
    ///
    /// # Errors
    /// [`DepositFault`] names the limit.
    pub async fn add(
        &self,
        guest: &Account,
        id: PackageId,
        name: &str,
        length: Option<u64>,
    ) -> Result<File, DepositFault> {
        let (file, begun) = self.begun(guest.id, id, name, length).await?;
        begun.keep();
        Ok(file)
    }

    /// Takes a file in one stream, whose end is the file's end: for a plain form. Where the stream breaks off, a limit is
    /// reached or the caller goes, nothing of the file is left.
    ///
    /// # Errors
    /// [`DepositFault`] names the limit.
    pub async fn take<S, E>(
        &self,
        guest: &Account,
        id: PackageId,
        name: &str,
        octets: S,
    ) -> Result<File, DepositFault>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display + Send,
    {
        let (file, begun) = self.begun(guest.id, id, name, None).await?;
        let taken = async {
            let seat = self.desk.seat(file.id).await.ok_or(DepositFault::Busy)?;
            let old = self.opened(guest.id, file.id, 0, None).await?;
            self.receive(guest.id, old, &seat, Whole::AtEnd, octets).await
        }
        .await;
        match &taken {
            Ok(_) => begun.keep(),
            Err(_) => begun.undo().await,
        }
        taken
    }

    async fn begun(
        &self,
        guest: AccountId,
        id: PackageId,
        name: &str,
        length: Option<u64>,
    ) -> Result<(File, Begun), DepositFault> {
        let name = self.taken_name(name)?;
        let max = self.rules.dropoff.file_octets;
        if length.is_some_and(|length| length > max) {
            return Err(DepositFault::FileTooLarge(max));
        }
        if !self.parts.blobs.has_room_for(length.unwrap_or(0)) {
            return Err(DepositFault::DiskFull);
        }
        // Before anything is made: most of what is refused is refused here.
        self.room_for_file(guest, id, length)?;
        let flow = self.clone();
        let turn = self.desk.turn(guest).await;
        self.apart("beginning of a file", async move {
            let _turn = turn;
            let blob = flow.parts.blobs.create().await?;
            match flow.insert_file(guest, id, &name, length, blob).await {
                Ok(file) => {
                    let begun = Begun { flow, guest, file: file.id, is_kept: false };
                    Ok((file, begun))
                }
                Err(fault) => {
                    flow.parts.blobs.remove(blob);
                    Err(fault)
                }
            }
        })
        .await
    }

    async fn insert_file(
        &self,
        guest: AccountId,
        id: PackageId,
        name: &FileName,
        length: Option<u64>,
        blob: BlobId,
    ) -> Result<File, DepositFault> {
        for _ in 0..ROUNDS_MAX {
            let package = self.room_for_file(guest, id, length)?;
            let content = match length {
                Some(0) => Content::Whole { blob, digest: Digesting::begin().finish() },
                _ => Content::Arriving { blob, offset: 0 },
            };
            let file = File {
                id: package.value.next_file(),
                name: name.clone(),
                length,
                touched: self.parts.clock.now(),
                content,
                picked_up: Vec::new(),
            };
            let mut batch = Batch::new();
            self.parts.packages.insert_file(&mut batch, &package, &file)?;
            if self.commit(batch).await? {
                return Ok(file);
            }
        }
        Err(too_often().into())
    }

    /// The package of a file to come, if the guest is still there and no limit forbids that.
    fn room_for_file(
        &self,
        guest: AccountId,
        id: PackageId,
        length: Option<u64>,
    ) -> Result<Stored<Package>, DepositFault> {
        self.present(guest)?;
        let Parcel { package, files } = self.open_package(guest, id)?;
        let limits = &self.rules.dropoff;
        // A number is given once only, also those of files that were taken back.
        if files.len() >= limits.files || package.value.next_file == u16::MAX {
            return Err(DepositFault::TooManyFiles(limits.files));
        }
        let usage = self.parts.packages.usage(guest)?;
        if usage.uploads >= limits.guest_uploads {
            return Err(DepositFault::TooManyUploads(limits.guest_uploads));
        }
        self.room_for(usage, length.unwrap_or(0))?;
        Ok(package)
    }

    /// A name that is taken, by its ending.
    fn taken_name(&self, text: &str) -> Result<FileName, DepositFault> {
        let name = FileName::parse(text).ok_or(DepositFault::NoName)?;
        match name.extension() {
            Some(extension) if self.rules.dropoff.blocked_extensions.contains(&extension) => {
                Err(DepositFault::Blocked(extension))
            }
            _ => Ok(name),
        }
    }
}

impl Begun {
    fn keep(mut self) {
        self.is_kept = true;
    }

    /// If this fails, it is an unfinished upload, and ends as those do.
    async fn undo(mut self) {
        let _ = self.flow.remove_of(self.guest, self.file).await;
        self.is_kept = true;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.is_kept {
            let (flow, guest, file) = (self.flow.clone(), self.guest, self.file);
            self.flow.parts.lifecycle.spawn("removal of a file", async move {
                let _ = flow.remove_of(guest, file).await;
            });
        }
    }
}
