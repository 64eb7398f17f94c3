//! What guests have left for a staff member: the list, one package with its files, and what can be done with it.
//!
//! A file that is asked for counts as picked up, and the guest is shown that. It is the one thing that a GET leaves
//! behind, and says no more than that it was asked for; HEAD leaves nothing.

mod names;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use tracing::error;

use crate::base::address::Address;
use crate::base::filename::FileName;
use crate::base::id::PackageId;
use crate::dropoff::{CollectFault, Dropoff};
use crate::httpd::download::{self, Wanted};
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::pages::received::names::{Forwarding, Received, Shown};
use crate::httpd::permit::{FormToken, Peer, Staff};
use crate::httpd::router::Parts;
use crate::packages::{Content, FileRef};

/// Packages on one page.
const PAGE: usize = 30;

/// Which page of the list.
#[derive(Debug, Deserialize)]
struct Asked {
    /// The last one of the page before.
    older: Option<String>,
    /// Whether one has just been deleted.
    deleted: Option<String>,
}

/// Which page of one.
#[derive(Debug, Deserialize)]
struct Done {
    /// To whom it has just been forwarded.
    forwarded: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Colleague {
    to: String,
}

/// `/received` and what is below it, but for the files.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/received", get(list))
        .route("/received/{id}", get(show))
        .route("/received/{id}/forward", post(forward))
        .route("/received/{id}/delete", post(delete))
}

/// The files: they take as long as they take.
pub fn streams() -> Router<Parts> {
    Router::new().route("/received/{id}/zip", get(archive)).route("/received/{id}/files/{number}", get(file))
}

async fn list(
    staff: Staff,
    Query(asked): Query<Asked>,
    pages: Pages,
    State(flow): State<Dropoff>,
) -> Response {
    let Ok(after) = asked.older.as_deref().map(str::parse::<PackageId>).transpose() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let parcels = match flow.received(&staff.account, after, PAGE + 1) {
        Ok(parcels) => parcels,
        Err(fault) => return busy(&fault),
    };
    let page = parcels.get(..PAGE.min(parcels.len())).unwrap_or_default();
    let has_more = parcels.len() > PAGE;
    let names =
        Received::of(&pages, &staff.account, page, has_more, after.is_none(), asked.deleted.is_some());
    pages.page(StatusCode::OK, "received", names)
}

async fn show(
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
    pages: Pages,
    State(flow): State<Dropoff>,
) -> Response {
    let forwarding = Forwarding { to: "", fault: None, done: done.forwarded.is_some() };
    one(&pages, &flow, &staff, StatusCode::OK, &id, &forwarding)
}

fn one(
    pages: &Pages,
    flow: &Dropoff,
    staff: &Staff,
    status: StatusCode,
    id: &str,
    forwarding: &Forwarding,
) -> Response {
    let Ok(id) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    match flow.received_one(&staff.account, id) {
        Ok(Some(parcel)) => {
            let names = Shown::of(pages, &staff.account, &parcel, forwarding, staff.form_token());
            pages.page(status, "package", names)
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(fault) => busy(&fault),
    }
}

async fn forward(
    Path(id): Path<String>,
    pages: Pages,
    State(flow): State<Dropoff>,
    Extension(Peer(peer)): Extension<Peer>,
    Form { by: staff, fields: Colleague { to } }: Form<Staff, Colleague>,
) -> Response {
    let Ok(package) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    let fault = match Address::parse(to.trim()) {
        Ok(address) => match flow.forward(&staff.account, package, &address, peer).await {
            Ok(_) => return Redirect::to(&format!("/received/{package}?forwarded")).into_response(),
            Err(
                fault @ (CollectFault::NotAColleague(_) | CollectFault::HasIt(_) | CollectFault::TooMany),
            ) => fault.phrase(),
            Err(fault) => return refused(&fault),
        },
        Err(fault) => fault.phrase(),
    };
    let forwarding = Forwarding { to: &to, fault: Some(pages.say(&fault)), done: false };
    one(&pages, &flow, &staff, StatusCode::UNPROCESSABLE_ENTITY, &id, &forwarding)
}

async fn delete(
    Path(id): Path<String>,
    State(flow): State<Dropoff>,
    Extension(Peer(peer)): Extension<Peer>,
    Form { by: staff, fields: Button {} }: Form<Staff, Button>,
) -> Response {
    let Ok(package) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    match flow.delete(&staff.account, package, peer).await {
        Ok(()) => Redirect::to("/received?deleted").into_response(),
        Err(fault) => refused(&fault),
    }
}

async fn file(
    staff: Staff,
    method: Method,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
    State(flow): State<Dropoff>,
    Extension(Peer(peer)): Extension<Peer>,
) -> Response {
    let (Ok(package), Ok(number)) = (id.parse(), number.parse()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let file = FileRef { package, number };
    let (name, tag, length) = match known(&flow, &staff, file) {
        Ok(known) => known,
        Err(fault) => return refused(&fault),
    };
    let wanted = Wanted::of(&headers, &tag, length);
    let range = match &wanted {
        Wanted::Whole => None,
        Wanted::Part(range) => Some(range.clone()),
        Wanted::Beyond | Wanted::Known => {
            return download::response(&name, &tag, length, &wanted, Body::empty());
        }
    };
    if method == Method::HEAD {
        return download::response(&name, &tag, length, &wanted, Body::empty());
    }
    match flow.pick_up(&staff.account, file, range, peer).await {
        Ok(picked_up) => {
            let body = download::body(picked_up.octets, |mut octets| async move {
                Ok(octets.next().await?.map(|piece| (piece, octets)))
            });
            download::response(&name, &tag, length, &wanted, body)
        }
        Err(fault) => refused(&fault),
    }
}

async fn archive(
    staff: Staff,
    method: Method,
    Path(id): Path<String>,
    State(flow): State<Dropoff>,
    Extension(Peer(peer)): Extension<Peer>,
) -> Response {
    let Ok(package) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    let archive = if method == Method::HEAD {
        flow.archive(&staff.account, package)
    } else {
        flow.pick_up_all(&staff.account, package, peer).await
    };
    match archive {
        Ok(archive) => {
            let (name, octets) = (archive.name.clone(), archive.len());
            let body = download::body(archive, |mut archive| async move {
                Ok(archive.next().await?.map(|piece| (piece, archive)))
            });
            download::saved(StatusCode::OK, &name, octets, "application/zip", body)
        }
        Err(fault) => refused(&fault),
    }
}

/// Name, tag and length of a file that can be picked up.
fn known(flow: &Dropoff, staff: &Staff, file: FileRef) -> Result<(FileName, String, u64), CollectFault> {
    let parcel = flow.received_one(&staff.account, file.package)?.ok_or(CollectFault::NotThere)?;
    let file = parcel.files.into_iter().map(|stored| stored.value).find(|one| one.id == file);
    match file.map(|file| (file.name, file.content, file.length)) {
        Some((name, Content::Whole { digest, .. }, Some(length))) => {
            Ok((name, download::tag(&digest.hex()), length))
        }
        _ => Err(CollectFault::NotThere),
    }
}

fn refused(fault: &CollectFault) -> Response {
    match fault {
        CollectFault::NotThere => StatusCode::NOT_FOUND.into_response(),
        CollectFault::Range(length) => download::beyond(*length),
        _ => busy(fault),
    }
}

fn busy(fault: &dyn std::error::Error) -> Response {
    error!(%fault, "what was received");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
