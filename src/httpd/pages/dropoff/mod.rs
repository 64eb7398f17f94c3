//! The Drop-Off page: a guest says for whom, writes a few words, adds files and sends.
//!
//! ```text
//! POST /dropoff             the whole form at once, files and all, by any browser
//! POST /dropoff/begin       the words alone: our script then uploads the files by tus and posts to …
//! POST /dropoff/ID          … the drop-off it began; so does who comes back to one that was not sent
//! POST /dropoff/ID/remove   takes one file back; /discard all of it
//! ```
//! What arrived stays: where something is wrong, the page that says so has the words and the files that are here already.

mod names;
mod posted;

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::accounts::Kind;
use crate::base::id::PackageId;
use crate::dropoff::{DepositFault, Dropoff};
use crate::httpd::form::{Button, Form};
use crate::httpd::page::{Pages, for_programs};
use crate::httpd::pages::dropoff::names::{Faults, Typed, page};
use crate::httpd::pages::dropoff::posted::{Posted, Told};
use crate::httpd::permit::{Guest, Peer, Person};
use crate::httpd::router::Parts;
use crate::packages::FileRef;

/// Which file is taken back.
#[derive(Debug, Deserialize)]
struct Removed {
    file: String,
}

/// What the script is told of a drop-off that it began.
#[derive(Serialize)]
struct Begun {
    id: PackageId,
}

/// `/` and what does not stream.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/", get(first))
        .route("/dropoff/{id}/remove", post(remove))
        .route("/dropoff/{id}/discard", post(discard))
}

/// The forms with files: bound by silence, not by size and time.
pub fn streams() -> Router<Parts> {
    Router::new()
        .route("/dropoff", get(show).post(send))
        .route("/dropoff/begin", post(begin))
        .route("/dropoff/{id}", get(show_begun).post(send_begun))
}

/// Each to where they have something to do. Who is not signed in is led on to the way in by the permit.
async fn first(person: Person) -> Redirect {
    Redirect::to(match person.account.kind {
        Kind::Guest => "/dropoff",
        Kind::Staff => "/invitations",
    })
}

async fn show(guest: Guest, pages: Pages, State(flow): State<Dropoff>) -> Response {
    let typed = Typed::fresh(&guest.account);
    page(&pages, &flow, &guest, StatusCode::OK, None, &typed, &Faults::default())
        .unwrap_or_else(|fault| busy(&fault))
}

async fn show_begun(
    guest: Guest,
    Path(id): Path<String>,
    pages: Pages,
    State(flow): State<Dropoff>,
) -> Response {
    let Ok(id) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    begun(&pages, &flow, &guest, StatusCode::OK, id, None, &Faults::default())
}

/// The page of a drop-off that was begun, with what is `typed` or was kept of it.
fn begun(
    pages: &Pages,
    flow: &Dropoff,
    guest: &Guest,
    status: StatusCode,
    id: PackageId,
    typed: Option<&Typed>,
    faults: &Faults,
) -> Response {
    let parcel = match flow.parcel(&guest.account, id) {
        Ok(Some(parcel)) => parcel,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(fault) => return busy(&fault),
    };
    if !parcel.package.value.is_open() {
        return Redirect::to("/dropoff/sent").into_response();
    }
    let kept = Typed::kept(&guest.account, &parcel.package.value);
    page(pages, flow, guest, status, Some(&parcel), typed.unwrap_or(&kept), faults)
        .unwrap_or_else(|fault| busy(&fault))
}

async fn send(
    pages: Pages,
    State(flow): State<Dropoff>,
    Extension(peer): Extension<Peer>,
    posted: Posted,
) -> Response {
    hand_over(&pages, &flow, peer, None, posted).await
}

async fn send_begun(
    Path(id): Path<String>,
    pages: Pages,
    State(flow): State<Dropoff>,
    Extension(peer): Extension<Peer>,
    posted: Posted,
) -> Response {
    let Ok(id) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    hand_over(&pages, &flow, peer, Some(id), posted).await
}

async fn hand_over(
    pages: &Pages,
    flow: &Dropoff,
    Peer(peer): Peer,
    id: Option<PackageId>,
    posted: Posted,
) -> Response {
    let Told { guest, typed, package, mut faults } = match posted.read(pages, flow, id).await {
        Ok(told) => told,
        Err(response) => return response,
    };
    let id = package.or(id);
    if faults.is_none()
        && let Some(id) = id
    {
        match flow.hand_over(&guest.account, id, peer).await {
            Ok(_) => return Redirect::to("/dropoff/sent?sent").into_response(),
            Err(fault) => match Faults::of(pages, &fault) {
                Some(told) => faults = told,
                None => return refused(&fault),
            },
        }
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    match id {
        Some(id) => begun(pages, flow, &guest, status, id, Some(&typed), &faults),
        None => page(pages, flow, &guest, status, None, &typed, &faults).unwrap_or_else(|fault| busy(&fault)),
    }
}

/// For our script: keeps the words, and says under which name files may be added, or what is wrong with which field.
async fn begin(pages: Pages, State(flow): State<Dropoff>, posted: Posted) -> Response {
    match posted.read(&pages, &flow, None).await {
        Ok(Told { package: Some(id), .. }) => {
            for_programs((StatusCode::CREATED, Json(Begun { id })).into_response())
        }
        Ok(Told { faults, .. }) => {
            for_programs((StatusCode::UNPROCESSABLE_ENTITY, Json(faults)).into_response())
        }
        Err(response) => response,
    }
}

async fn remove(
    Path(id): Path<String>,
    State(flow): State<Dropoff>,
    Form { by: guest, fields: Removed { file } }: Form<Guest, Removed>,
) -> Response {
    let (Ok(package), Ok(number)) = (id.parse(), file.parse()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match flow.remove(&guest.account, FileRef { package, number }).await {
        Ok(()) | Err(DepositFault::Closed) => Redirect::to(&format!("/dropoff/{package}")).into_response(),
        Err(fault) => refused(&fault),
    }
}

async fn discard(
    Path(id): Path<String>,
    State(flow): State<Dropoff>,
    Form { by: guest, fields: Button {} }: Form<Guest, Button>,
) -> Response {
    let Ok(id) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    match flow.discard(&guest.account, id).await {
        Ok(()) => Redirect::to("/dropoff").into_response(),
        Err(DepositFault::Closed) => Redirect::to("/dropoff/sent").into_response(),
        Err(fault) => refused(&fault),
    }
}

/// What the form cannot mend.
fn refused(fault: &DepositFault) -> Response {
    match fault {
        DepositFault::NotThere => StatusCode::NOT_FOUND.into_response(),
        _ => busy(fault),
    }
}

fn busy(fault: &dyn std::error::Error) -> Response {
    error!(%fault, "a drop-off");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
