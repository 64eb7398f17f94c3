//! `/t/WORD`: somebody is asked to answer for the guests of a person who is gone.
//!
//! Looking changes nothing: the page has one button, and only the button does something. It is there for the person who
//! was asked, signed in, and for whoever writes in that one's name: the link alone, which a scanner or another reader of
//! the mail has too, hands over nothing.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::auth::{Authenticator, Identity};
use crate::base::mailbox::Mailbox;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::{Pages, Plain};
use crate::httpd::pages::activate::hash;
use crate::httpd::permit::{FormToken, Staff};
use crate::httpd::router::Parts;
use crate::sponsoring::SponsoringFault;
use crate::sponsoring::succession::Succession;
use crate::sponsoring::succession::takeover::Takeover;

/// The names of `page/takeover.html`.
#[derive(Serialize)]
struct Question<'a> {
    /// `open`, `done`, `closed`, `old`, or `foreign` for somebody else.
    outcome: &'a str,
    sponsor: &'a Mailbox,
    successor: &'a Mailbox,
    /// Who looks.
    signed_in: String,
    form: &'a str,
}

/// `/t/WORD`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/t/{word}", get(look).post(take_over))
}

async fn look(
    staff: Staff,
    Path(word): Path<String>,
    pages: Pages,
    State(authenticator): State<Authenticator>,
    State(succession): State<Succession>,
) -> Response {
    let found = hash(&word).map_or(Ok(Takeover::Unknown), |word| succession.question(&word));
    let found = found.map_err(SponsoringFault::from);
    match is_foreign(&authenticator, &staff, &found).await {
        Ok(is_foreign) => question(&pages, &staff, &found, is_foreign),
        Err(refusal) => refusal,
    }
}

async fn take_over(
    Path(word): Path<String>,
    pages: Pages,
    State(authenticator): State<Authenticator>,
    State(succession): State<Succession>,
    Form { by: staff, fields: Button {} }: Form<Staff, Button>,
) -> Response {
    let Some(word) = hash(&word) else {
        return question(&pages, &staff, &Ok(Takeover::Unknown), false);
    };
    let found = succession.question(&word).map_err(SponsoringFault::from);
    match is_foreign(&authenticator, &staff, &found).await {
        Ok(true) => question(&pages, &staff, &found, true),
        Ok(false) => question(&pages, &staff, &succession.take_over(&word, staff.peer).await, false),
        Err(refusal) => refusal,
    }
}

/// Whether somebody else was asked. The words of a link say who, and never change.
async fn is_foreign(
    authenticator: &Authenticator,
    staff: &Staff,
    found: &Result<Takeover, SponsoringFault>,
) -> Result<bool, Response> {
    let Some(asked) = found.as_ref().ok().and_then(Takeover::asked) else { return Ok(false) };
    let identity = Identity::from(staff.account.clone());
    match authenticator.may_write_as(&identity, &asked.successor.address).await {
        Ok(may) => Ok(!may),
        Err(fault) => {
            error!(%fault, "whether somebody answers for the one who was asked");
            Err(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
    }
}

fn question(
    pages: &Pages,
    staff: &Staff,
    found: &Result<Takeover, SponsoringFault>,
    is_foreign: bool,
) -> Response {
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
    let (status, outcome) = if is_foreign { (StatusCode::FORBIDDEN, "foreign") } else { (status, outcome) };
    let names = Question {
        outcome,
        sponsor: &asked.sponsor,
        successor: &asked.successor,
        signed_in: staff.account.mailbox.address.to_string(),
        form: staff.form_token(),
    };
    pages.page(status, "takeover", names)
}
