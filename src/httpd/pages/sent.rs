//! `/dropoff/sent`: what a guest has sent, and who has picked it up.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::id::PackageId;
use crate::base::mailbox::Mailbox;
use crate::base::size::Size;
use crate::dropoff::Dropoff;
use crate::httpd::page::Pages;
use crate::httpd::permit::Guest;
use crate::httpd::router::Parts;
use crate::packages::{Content, File, Package, Parcel, Recipient, Stage};
use crate::store::blobs::Digest;

/// Drop-offs on one page.
const PAGE: usize = 20;

/// What is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    /// The last one of the page before.
    older: Option<String>,
    /// Whether one has just been sent.
    sent: Option<String>,
}

/// The names of `page/sent.html`.
#[derive(Serialize)]
struct Sent<'a> {
    /// Whether one was sent a moment ago.
    has_just: bool,
    dropoffs: Vec<DropOff<'a>>,
    /// Where the next page begins.
    older: Option<PackageId>,
    is_first: bool,
}

#[derive(Serialize)]
struct DropOff<'a> {
    id: PackageId,
    subject: &'a str,
    message: &'a str,
    /// `open`, `checked` or `delivered`.
    state: &'a str,
    at: String,
    until: Option<String>,
    recipients: Vec<&'a Mailbox>,
    files: Vec<Item<'a>>,
    /// Whether everybody has picked up everything.
    is_picked_up: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    size: String,
    sha256: Option<String>,
    finding: Option<&'a str>,
    picked_up: Vec<PickUp<'a>>,
}

#[derive(Serialize)]
struct PickUp<'a> {
    by: &'a Mailbox,
    at: Option<String>,
}

/// `/dropoff/sent`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/dropoff/sent", get(list))
}

async fn list(
    guest: Guest,
    Query(asked): Query<Asked>,
    pages: Pages,
    State(flow): State<Dropoff>,
) -> Response {
    let Ok(after) = asked.older.as_deref().map(str::parse::<PackageId>).transpose() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut parcels = match flow.sent(&guest.account, after, PAGE + 1) {
        Ok(parcels) => parcels,
        Err(fault) => {
            error!(%fault, "listing drop-offs");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let has_more = parcels.len() > PAGE;
    parcels.truncate(PAGE);
    let names = Sent {
        has_just: asked.sent.is_some(),
        dropoffs: parcels.iter().map(|parcel| DropOff::of(&pages, parcel)).collect(),
        older: parcels.last().filter(|_| has_more).map(|parcel| parcel.package.value.id),
        is_first: after.is_none(),
    };
    pages.page(StatusCode::OK, "sent", names)
}

impl<'a> DropOff<'a> {
    fn of(pages: &Pages, parcel: &'a Parcel) -> Self {
        let package = &parcel.package.value;
        let (state, at) = match package.stage {
            Stage::Open => ("open", package.created),
            Stage::Checked { since } => ("checked", since),
            Stage::Delivered { at, .. } => ("delivered", at),
        };
        let files: Vec<_> = parcel.files.iter().map(|file| Item::of(pages, &file.value, package)).collect();
        let all = || files.iter().filter(|file| file.finding.is_none()).flat_map(|file| &file.picked_up);
        Self {
            id: package.id,
            subject: &package.subject,
            message: &package.message,
            state,
            at: pages.moment(at),
            until: package.until().map(|until| pages.moment(until)),
            recipients: sent_to(package).map(|recipient| &recipient.mailbox).collect(),
            is_picked_up: all().next().is_some() && all().all(|pick_up| pick_up.at.is_some()),
            files,
        }
    }
}

impl<'a> Item<'a> {
    fn of(pages: &Pages, file: &'a File, package: &'a Package) -> Self {
        let pick_up = |recipient: &'a Recipient| PickUp {
            by: &recipient.mailbox,
            at: file.picked_up_by(recipient).map(|at| pages.moment(at)),
        };
        let finding = match &file.content {
            Content::Withheld { finding, .. } => Some(finding.as_str()),
            _ => None,
        };
        Self {
            name: file.name.as_str(),
            size: Size(file.length.unwrap_or_else(|| file.arrived())).to_string(),
            sha256: file.content.digest().map(Digest::hex),
            finding,
            picked_up: sent_to(package).filter(|_| package.is_delivered()).map(pick_up).collect(),
        }
    }
}

/// Those to whom the guest has sent it. To whom it went from there is the organisation's own affair.
fn sent_to(package: &Package) -> impl Iterator<Item = &Recipient> {
    package.recipients.iter().filter(|recipient| recipient.forwarded_by.is_none())
}
