//! From the guest's hands into those of the recipients.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;

use crate::accounts::Account;
use crate::audit::dropoff::{self as audit, Event};
use crate::base::id::PackageId;
use crate::dropoff::{DepositFault, Dropoff, ROUNDS_MAX, too_often, unwritten};
use crate::mail::compose::Attachment;
use crate::notices::NoticeFault;
use crate::packages::{Content, File, Package, Parcel, Recipient, Stage};
use crate::queue::Admission;
use crate::store::{Batch, StoreFault};

/// What the scanner found, by the number of the file.
pub(super) type Findings = BTreeMap<u16, String>;

impl Dropoff {
    /// The guest is done. Without a scanner the recipients have it at once, and are told so; with one, as soon as it has
    /// called every file clean. The stage says which.
    ///
    /// # Errors
    /// [`DepositFault`] says what is lacking.
    pub async fn hand_over(
        &self,
        guest: &Account,
        id: PackageId,
        peer: IpAddr,
    ) -> Result<Package, DepositFault> {
        let _turn = self.desk.turn(guest.id).await;
        let guest = &self.present(guest.id)?;
        for _ in 0..ROUNDS_MAX {
            let parcel = self.open_package(guest.id, id)?;
            for recipient in &parcel.package.value.recipients {
                self.recipient(guest, &recipient.mailbox.address)?;
            }
            if parcel.files.is_empty() {
                return Err(DepositFault::NoFiles);
            }
            if let Some(file) = parcel.files.iter().find(|file| !file.value.content.is_whole()) {
                return Err(DepositFault::Unfinished(file.value.name.clone()));
            }
            let note = handed_over(guest, &parcel, peer);
            let handed_over = match &self.scanner {
                Some(_) => self.have_checked(&parcel, note).await?,
                None => self.deliver(&parcel, Findings::new(), note).await?,
            };
            if let Some(package) = handed_over {
                return Ok(package);
            }
        }
        Err(too_often().into())
    }

    /// Lays it before the scanner, behind `note`. `None` where somebody else was first.
    async fn have_checked(
        &self,
        parcel: &Parcel,
        note: impl FnOnce() + Send + 'static,
    ) -> Result<Option<Package>, StoreFault> {
        let old = &parcel.package;
        let since = self.parts.clock.now();
        let due = since + self.rules.dropoff.keep.duration();
        let new = Package { stage: Stage::Checked { since }, due, ..old.value.clone() };
        let mut batch = Batch::new();
        self.parts.packages.replace(&mut batch, old, &new)?;
        let then = |flow: &Self| {
            note();
            flow.desk.handed_over.notify_one();
        };
        Ok(self.commit_and(batch, Vec::new(), then).await?.then_some(new))
    }

    /// The recipients have it from now on, but for the files in which something was found: those are gone. Stage, files
    /// and notices are one commit, behind which comes `note`. `None` where somebody else was first.
    pub(super) async fn deliver(
        &self,
        parcel: &Parcel,
        findings: Findings,
        note: impl FnOnce() + Send + 'static,
    ) -> Result<Option<Package>, StoreFault> {
        let old = &parcel.package;
        let at = self.parts.clock.now();
        let until = at + self.rules.dropoff.keep.duration();
        let due = until - self.rules.dropoff.warn_before.duration();
        let stage = Stage::Delivered { at, until, warned: false };
        let package = Package { stage, due, ..old.value.clone() };
        let files: Vec<File> = parcel.files.iter().map(|file| judged(&file.value, &findings)).collect();

        let mut batch = Batch::new();
        self.parts.packages.replace(&mut batch, old, &package)?;
        let withheld: Vec<_> =
            parcel.files.iter().zip(&files).filter(|(old, new)| old.value != **new).collect();
        self.parts.packages.replace_files(&mut batch, package.guest, &withheld)?;
        let notices = self.notices_of(&mut batch, &package, &files).await.map_err(unwritten)?;
        let gone: Vec<_> = withheld.iter().filter_map(|(old, _)| old.value.content.blob()).collect();
        let id = package.id;
        let then = move |flow: &Self| {
            note();
            flow.desk.tries.forget(id);
            flow.remove_blobs(gone);
            for (file, finding) in &findings {
                audit::record(&Event::Withheld { package: id, file: *file, finding });
            }
            audit::record(&Event::Delivered { package: id });
        };
        Ok(self.commit_and(batch, notices, then).await?.then_some(package))
    }

    /// One for each recipient, and the guest's receipt.
    async fn notices_of(
        &self,
        batch: &mut Batch,
        package: &Package,
        files: &[File],
    ) -> Result<Vec<Admission>, NoticeFault> {
        let mut notices = Vec::with_capacity(package.recipients.len() + 1);
        for recipient in &package.recipients {
            notices.push(self.arrived(batch, package, files, recipient).await?);
        }
        notices.push(self.parts.notices.handed_over(batch, package, files).await?);
        Ok(notices)
    }

    /// "Files arrived", in the thread of this recipient's last invitation of the guest.
    pub(super) async fn arrived(
        &self,
        batch: &mut Batch,
        package: &Package,
        files: &[File],
        recipient: &Recipient,
    ) -> Result<Admission, NoticeFault> {
        // One at a time, for these are held in memory.
        let _alone = self.desk.attaching.lock().await;
        let attachments = self.attachments(files).await?;
        let thread = self.parts.invites.last_between(&recipient.mailbox.address, &package.sender.address)?;
        self.parts.notices.arrived(batch, package, files, recipient, thread.as_ref(), attachments).await
    }

    /// The files, where they may travel with the notice.
    async fn attachments(&self, files: &[File]) -> Result<Vec<Attachment>, NoticeFault> {
        let Some(max) = self.rules.dropoff.attach else { return Ok(Vec::new()) };
        if files.iter().map(File::weight).sum::<u64>() > max {
            return Ok(Vec::new());
        }
        let mut attachments = Vec::new();
        for file in files {
            let Content::Whole { blob, .. } = file.content else { continue };
            let mut reader = self.parts.blobs.read(blob, 0..file.weight()).await?;
            let mut octets = Vec::new();
            while let Some(piece) = reader.next().await? {
                octets.extend_from_slice(&piece);
            }
            attachments.push(Attachment { name: file.name.to_string(), octets: Bytes::from(octets) });
        }
        Ok(attachments)
    }
}

/// What the journal is told of a package that is handed over.
fn handed_over(guest: &Account, parcel: &Parcel, peer: IpAddr) -> impl FnOnce() + Send + use<> {
    let (package, guest) = (parcel.package.value.id, guest.mailbox.address.clone());
    let (recipients, files) = (parcel.package.value.recipients.len(), parcel.files.len());
    let octets = parcel.files.iter().map(|file| file.value.weight()).sum();
    move || {
        audit::record(&Event::HandedOver { package, guest: &guest, recipients, files, octets, peer });
    }
}

/// The same file, without its octets if something was found in it.
fn judged(file: &File, findings: &Findings) -> File {
    match (&file.content, findings.get(&file.id.number)) {
        (Content::Whole { digest, .. }, Some(finding)) => {
            let content = Content::Withheld { digest: *digest, finding: finding.clone() };
            File { content, ..file.clone() }
        }
        _ => file.clone(),
    }
}
