//! `/t/WORD`: somebody is asked to answer for the guests of a person who is gone.
//!
//! Looking changes nothing: the page has one button, and only the button does something.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::base::mailbox::Mailbox;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::{Pages, Plain};
use crate::httpd::pages::activate::hash;
use crate::httpd::permit::{FormToken, Visitor};
use crate::httpd::router::Parts;
use crate::sponsoring::SponsoringFault;
use crate::sponsoring::succession::Succession;
use crate::sponsoring::succession::takeover::Takeover;

/// The names of `page/takeover.html`.
#[derive(Serialize)]
struct Question<'a> {
    /// `open`, `done`, `closed` or `old`.
    outcome: &'a str,
    sponsor: &'a Mailbox,
    successor: &'a Mailbox,
    form: &'a str,
}

/// `/t/WORD`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/t/{word}", get(look).post(take_over))
}

async fn look(
    visitor: Visitor,
    Path(word): Path<String>,
    pages: Pages,
    State(succession): State<Succession>,
) -> Response {
    let found = hash(&word).map_or(Ok(Takeover::Unknown), |word| succession.question(&word));
    let page = question(&pages, &visitor, &found.map_err(SponsoringFault::from));
    (visitor.cookie(), page).into_response()
}

async fn take_over(
    Path(word): Path<String>,
    pages: Pages,
    State(succession): State<Succession>,
    Form { by: visitor, fields: Button {} }: Form<Visitor, Button>,
) -> Response {
    let done = match hash(&word) {
        Some(word) => succession.take_over(&word, visitor.peer).await,
        None => Ok(Takeover::Unknown),
    };
    question(&pages, &visitor, &done)
}

fn question(pages: &Pages, visitor: &Visitor, found: &Result<Takeover, SponsoringFault>) -> Response {
    let (status, outcome, asked) = match found {
        Ok(Takeover::Open(asked)) => (StatusCode::OK, "open", asked),
        Ok(Takeover::Done(asked)) => (StatusCode::OK, "done", asked),
        Ok(Takeover::Closed(asked)) => (StatusCode::GONE, "closed", asked),
        Ok(Takeover::TooOld(asked)) => (StatusCode::GONE, "old", asked),
        Ok(Takeover::Unknown) => return pages.page(StatusCode::NOT_FOUND, "unknown", Plain {}),
        Err(fault) => {
            error!(%fault, "taking guests over");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let names = Question {
        outcome,
        sponsor: &asked.sponsor,
        successor: &asked.successor,
        form: visitor.form_token(),
    };
    pages.page(status, "takeover", names)
}
