//! `/guests`: whom a staff member has invited and answers for.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::base::id::AccountId;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::permit::{FormToken, Staff};
use crate::httpd::router::Parts;
use crate::sponsoring::{Sponsored, Sponsoring, SponsoringFault};

/// The names of `page/guests.html`.
#[derive(Serialize)]
struct List<'a> {
    guests: Vec<Line<'a>>,
    /// Whether an access was ended just now.
    ended: bool,
    form: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    id: AccountId,
    name: Option<&'a str>,
    address: String,
    since: String,
    last_use: Option<String>,
    others: usize,
}

/// `/guests` and `/guests/ID/end`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/guests", get(list)).route("/guests/{id}/end", post(end))
}

async fn list(
    staff: Staff,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(sponsoring): State<Sponsoring>,
) -> Response {
    let guests = match sponsoring.guests(&staff.account) {
        Ok(guests) => guests,
        Err(fault) => {
            error!(%fault, "listing guests");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let names = List {
        guests: guests.iter().map(|guest| Line::of(guest, &pages)).collect(),
        ended: query.as_deref() == Some("ended"),
        form: staff.form_token(),
    };
    pages.page(StatusCode::OK, "guests", names)
}

async fn end(
    Path(id): Path<String>,
    State(sponsoring): State<Sponsoring>,
    Form { by: staff, .. }: Form<Staff, Button>,
) -> Response {
    let Ok(guest) = AccountId::from_str(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match sponsoring.end(&staff.account, guest, staff.peer).await {
        Ok(_) => Redirect::to("/guests?ended").into_response(),
        Err(SponsoringFault::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(fault) => {
            error!(%fault, "ending a guest's access");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

impl<'a> Line<'a> {
    fn of(sponsored: &'a Sponsored, pages: &Pages) -> Self {
        let guest = &sponsored.guest;
        Self {
            id: guest.id,
            name: guest.mailbox.name.as_deref(),
            address: guest.mailbox.address.to_string(),
            since: pages.moment(guest.created),
            last_use: sponsored.last_use.map(|at| pages.moment(at)),
            others: sponsored.others,
        }
    }
}
