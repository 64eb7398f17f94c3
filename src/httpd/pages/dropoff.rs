//! The Drop-Off page: where a guest arrives. It names the people who invited the guest.

use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;

use crate::base::mailbox::Mailbox;
use crate::httpd::page::Pages;
use crate::httpd::permit::{Guest, Person};
use crate::httpd::router::Parts;
use crate::httpd::way;

/// The names of `page/dropoff.html`.
#[derive(Serialize)]
struct DropOff<'a> {
    guest: &'a Mailbox,
    inviters: &'a [Mailbox],
}

/// `/` and `/dropoff`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/", get(first)).route("/dropoff", get(show))
}

/// Who is not signed in is led on to the way in by the permit.
async fn first(person: Person) -> Redirect {
    Redirect::to(way::home(person.account.kind))
}

async fn show(guest: Guest, State(pages): State<Pages>) -> Response {
    let names = DropOff { guest: &guest.account.mailbox, inviters: &guest.account.inviters };
    pages.page(StatusCode::OK, "dropoff", names)
}
