//! `/admin/dropoffs`: who has left what for whom, how it stands, and the button that deletes it. Never what is in it.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::id::PackageId;
use crate::base::mailbox::Mailbox;
use crate::base::size::Size;
use crate::dropoff::Dropoff;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::permit::{Admin, FormToken};
use crate::httpd::router::Parts;
use crate::packages::{Content, Parcel, Stage};
use crate::store::StoreFault;

/// Packages on one page.
const PAGE: usize = 50;
/// Recipients that are named; the others are counted.
const RECIPIENTS_MAX: usize = 5;

/// What the address says behind the question mark.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    before: String,
    #[serde(default)]
    done: String,
}

/// The names of `page/dropoffs.html`.
#[derive(Serialize)]
struct List<'a> {
    packages: Vec<Line>,
    is_later: bool,
    next: Option<PackageId>,
    /// Whether one was deleted just now.
    done: bool,
    form: &'a str,
}

#[derive(Serialize)]
struct Line {
    id: PackageId,
    from: Mailbox,
    to: Vec<Mailbox>,
    more: usize,
    files: usize,
    size: String,
    created: String,
    /// When it ends by itself, if that is known.
    until: Option<String>,
    /// `open`, `checked`, `withheld`, `kept`, `picked up`, `deleted`.
    state: &'static str,
}

/// `/admin/dropoffs`, and its button.
pub fn routes() -> Router<Parts> {
    Router::new().route("/admin/dropoffs", get(list)).route("/admin/dropoffs/{id}/delete", post(delete))
}

async fn list(
    admin: Admin,
    Query(asked): Query<Asked>,
    pages: Pages,
    State(dropoff): State<Dropoff>,
) -> Response {
    let before = asked.before.parse().ok();
    let page = match dropoff.newest(before, PAGE) {
        Ok(page) => page,
        Err(fault) => return failed(&fault),
    };
    let names = List {
        next: page.last().filter(|_| page.len() == PAGE).map(|last| last.package.value.id),
        packages: page.iter().map(|parcel| Line::of(parcel, &pages)).collect(),
        is_later: before.is_some(),
        done: asked.done == "yes",
        form: admin.form_token(),
    };
    pages.page(StatusCode::OK, "dropoffs", names)
}

async fn delete(
    Path(id): Path<String>,
    State(dropoff): State<Dropoff>,
    Form { by: admin, .. }: Form<Admin, Button>,
) -> Response {
    let Ok(id) = PackageId::from_str(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match dropoff.purge(id, admin.hand()).await {
        Ok(true) => Redirect::to("/admin/dropoffs?done=yes").into_response(),
        Ok(false) => StatusCode::NOT_FOUND.into_response(),
        Err(fault) => failed(&fault),
    }
}

fn failed(fault: &StoreFault) -> Response {
    error!(%fault, "the page of the drop-offs");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

impl Line {
    fn of(parcel: &Parcel, pages: &Pages) -> Self {
        let package = &parcel.package.value;
        let octets = parcel.files.iter().map(|file| file.value.length.unwrap_or(file.value.arrived())).sum();
        Self {
            id: package.id,
            from: package.sender.clone(),
            to: package.recipients.iter().take(RECIPIENTS_MAX).map(|one| one.mailbox.clone()).collect(),
            more: package.recipients.len().saturating_sub(RECIPIENTS_MAX),
            files: parcel.files.len(),
            size: Size(octets).to_string(),
            created: pages.moment(package.created),
            until: match package.stage {
                Stage::Delivered { until, .. } => Some(pages.moment(until)),
                Stage::Open | Stage::Checked { .. } => None,
            },
            state: state(parcel),
        }
    }
}

/// In a word.
fn state(Parcel { package, files }: &Parcel) -> &'static str {
    let package = &package.value;
    match package.stage {
        Stage::Open => return "open",
        Stage::Checked { .. } => return "checked",
        Stage::Delivered { .. } => {}
    }
    let whole: Vec<_> = files.iter().map(|file| &file.value).filter(|file| file.content.is_whole()).collect();
    let is_withheld = files.iter().any(|file| matches!(file.value.content, Content::Withheld { .. }));
    let mut holders = package.holders().peekable();
    if holders.peek().is_none() {
        "deleted"
    } else if whole.is_empty() && is_withheld {
        "withheld"
    } else if holders.all(|holder| whole.iter().all(|file| file.picked_up_by(holder).is_some())) {
        "picked up"
    } else {
        "kept"
    }
}
