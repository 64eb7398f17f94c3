//! What `page/received.html` and `page/package.html` show.

use serde::Serialize;

use crate::accounts::Account;
use crate::base::clock::Timestamp;
use crate::base::id::PackageId;
use crate::base::mailbox::Mailbox;
use crate::base::size::Size;
use crate::httpd::page::Pages;
use crate::packages::{Content, File, Package, Parcel, Recipient, Stage};
use crate::store::blobs::Digest;

/// The names of `page/received.html`.
#[derive(Serialize)]
pub struct Received<'a> {
    packages: Vec<Line<'a>>,
    older: Option<PackageId>,
    is_first: bool,
    has_deleted: bool,
}

/// One package in the list.
#[derive(Serialize)]
struct Line<'a> {
    id: PackageId,
    subject: &'a str,
    from: &'a Mailbox,
    files: usize,
    size: String,
    at: String,
    until: String,
    /// Whether this person has picked nothing up yet.
    is_new: bool,
}

/// The names of `page/package.html`.
#[derive(Serialize)]
pub struct Shown<'a> {
    id: PackageId,
    subject: &'a str,
    message: &'a str,
    from: &'a Mailbox,
    /// The colleague who has forwarded it to this person.
    forwarded_by: Option<&'a Mailbox>,
    /// With whom else it is.
    others: Vec<&'a Mailbox>,
    at: String,
    until: String,
    files: Vec<Item<'a>>,
    size: String,
    /// Files that can be picked up.
    whole: usize,
    forwarding: &'a Forwarding<'a>,
    form: &'a str,
}

/// What has become of a wish to forward.
#[derive(Serialize)]
pub struct Forwarding<'a> {
    /// As it was typed.
    pub to: &'a str,
    /// What is wrong with it.
    pub fault: Option<String>,
    /// Whether it was done.
    pub done: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    number: u16,
    name: &'a str,
    size: String,
    sha256: Option<String>,
    is_whole: bool,
    finding: Option<&'a str>,
    /// When this person has picked it up.
    picked_up: Option<String>,
}

impl<'a> Received<'a> {
    /// A page of the list.
    pub fn of(
        pages: &Pages,
        staff: &Account,
        parcels: &'a [Parcel],
        has_more: bool,
        is_first: bool,
        has_deleted: bool,
    ) -> Self {
        Self {
            packages: parcels.iter().map(|parcel| line(pages, staff, parcel)).collect(),
            older: parcels.last().filter(|_| has_more).map(|parcel| parcel.package.value.id),
            is_first,
            has_deleted,
        }
    }
}

impl<'a> Shown<'a> {
    /// One package, as this person sees it.
    pub fn of(
        pages: &Pages,
        staff: &Account,
        parcel: &'a Parcel,
        forwarding: &'a Forwarding<'a>,
        form: &'a str,
    ) -> Self {
        let package = &parcel.package.value;
        let (at, until) = times(pages, package);
        let own = own(staff, package);
        let files: Vec<Item> = parcel.files.iter().map(|file| item(pages, &file.value, own)).collect();
        Self {
            id: package.id,
            subject: &package.subject,
            message: &package.message,
            from: &package.sender,
            forwarded_by: own.and_then(|own| own.forwarded_by.as_ref()),
            others: package
                .holders()
                .map(|holder| &holder.mailbox)
                .filter(|mailbox| !staff.owns(&mailbox.address))
                .collect(),
            at,
            until,
            whole: files.iter().filter(|file| file.is_whole).count(),
            files,
            size: size(parcel),
            forwarding,
            form,
        }
    }
}

fn line<'a>(pages: &Pages, staff: &Account, parcel: &'a Parcel) -> Line<'a> {
    let package = &parcel.package.value;
    let (at, until) = times(pages, package);
    let own = own(staff, package);
    let has_touched = |file: &File| own.is_some_and(|own| file.picked_up_by(own).is_some());
    Line {
        id: package.id,
        subject: &package.subject,
        from: &package.sender,
        files: parcel.files.len(),
        size: size(parcel),
        at,
        until,
        is_new: !parcel.files.iter().any(|file| has_touched(&file.value)),
    }
}

fn item<'a>(pages: &Pages, file: &'a File, own: Option<&Recipient>) -> Item<'a> {
    Item {
        number: file.id.number,
        name: file.name.as_str(),
        size: Size(file.length.unwrap_or(0)).to_string(),
        sha256: file.content.digest().map(Digest::hex),
        is_whole: file.content.is_whole(),
        finding: match &file.content {
            Content::Withheld { finding, .. } => Some(finding),
            _ => None,
        },
        picked_up: own.and_then(|own| file.picked_up_by(own)).map(|at| pages.moment(at)),
    }
}

fn own<'a>(staff: &Account, package: &'a Package) -> Option<&'a Recipient> {
    package.holders().find(|holder| staff.owns(&holder.mailbox.address))
}

fn size(parcel: &Parcel) -> String {
    Size(parcel.files.iter().map(|file| file.value.weight()).sum()).to_string()
}

/// Since when and until when it is there.
fn times(pages: &Pages, package: &Package) -> (String, String) {
    let said = |at: Timestamp| pages.moment(at);
    match package.stage {
        Stage::Delivered { at, until, .. } => (said(at), said(until)),
        Stage::Open | Stage::Checked { .. } => (said(package.created), String::new()),
    }
}
