//! `/i/TOKEN/renewal`: an invitee with an expired link asks for a fresh one. `/r/WORD`: the inviter is asked for it.
//!
//! Looking changes nothing here either: each has a page with one button, and only the button does something. What it
//! does goes by mail to the invited address, whoever presses it.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::base::mailbox::Mailbox;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::{Pages, Plain};
use crate::httpd::pages::activate::{Closing, hash};
use crate::httpd::permit::{FormToken, Visitor};
use crate::httpd::router::Parts;
use crate::invites::{Asked, Invitation, Standing, State as Progress};
use crate::tending::TendingFault;
use crate::tending::renewal::{Approving, Renewal, Renewals};

/// The names of `page/renewal.html`.
#[derive(Serialize)]
struct Answered<'a> {
    inviter: &'a Mailbox,
    invitee: &'a Mailbox,
    /// `link`, `question`, or `wait`.
    outcome: &'a str,
    /// From when on the next question is heard.
    next: Option<String>,
    /// Whether the inviter is asked first.
    needs_approval: bool,
}

/// The names of `page/approval.html`.
#[derive(Serialize)]
struct Question<'a> {
    invitee: &'a Mailbox,
    subject: &'a str,
    days: u32,
    /// `open`, `done`, `used`, `withdrawn` or `old`.
    outcome: &'a str,
    form: &'a str,
}

/// `/i/TOKEN/renewal` and `/r/WORD`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/i/{token}/renewal", post(ask).get(back)).route("/r/{word}", get(look).post(approve))
}

/// The page behind the form has an address that a browser may load again: it leads to where the form was.
async fn back(Path(word): Path<String>) -> Response {
    match hash(&word) {
        Some(_) => Redirect::to(&format!("/i/{word}")).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn ask(
    Path(word): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by: visitor, fields: Button {} }: Form<Visitor, Button>,
) -> Response {
    let closing = Closing { pages: &pages, visitor: &visitor, word: &word, now: renewals.tending().now() };
    let Some(link) = hash(&word) else {
        return closing.page(&Standing::Unknown);
    };
    match renewals.ask(&link, visitor.peer).await {
        Ok(Renewal::Answered(invitation, answer)) => answered(&pages, &invitation, answer, &renewals),
        Ok(Renewal::Off(invitation)) => off(&pages, &invitation),
        // More time, or somebody else's fresh link: there is a form behind the link after all.
        Ok(Renewal::NotExpired(Standing::Open(_))) => Redirect::to(&format!("/i/{word}")).into_response(),
        Ok(Renewal::NotExpired(closed)) => closing.page(&closed),
        Err(fault) => busy(&fault),
    }
}

/// Nobody can invite at the moment, so there is no fresh link either.
fn off(pages: &Pages, invitation: &Invitation) -> Response {
    let names = Answered {
        inviter: &invitation.inviter,
        invitee: &invitation.invitee,
        outcome: "off",
        next: None,
        needs_approval: false,
    };
    pages.for_invitee(invitation).page(StatusCode::FORBIDDEN, "renewal", names)
}

fn answered(pages: &Pages, invitation: &Invitation, answer: Asked, renewals: &Renewals) -> Response {
    let pages = pages.for_invitee(invitation);
    let (outcome, next, status) = match answer {
        Asked::Link => ("link", None, StatusCode::OK),
        Asked::Question => ("question", None, StatusCode::OK),
        Asked::TooSoon { next } => ("wait", Some(pages.moment(next)), StatusCode::TOO_MANY_REQUESTS),
    };
    let names = Answered {
        inviter: &invitation.inviter,
        invitee: &invitation.invitee,
        outcome,
        next,
        needs_approval: invitation.needs_approval(renewals.tending().now()),
    };
    pages.page(status, "renewal", names)
}

async fn look(
    visitor: Visitor,
    Path(word): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
) -> Response {
    let found = hash(&word).map_or(Ok(Approving::Unknown), |word| renewals.look(&word));
    let page = question(&pages, &visitor, &found);
    (visitor.cookie(), page).into_response()
}

async fn approve(
    Path(word): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by: visitor, fields: Button {} }: Form<Visitor, Button>,
) -> Response {
    let done = match hash(&word) {
        Some(word) => renewals.approve(&word, visitor.peer).await,
        None => Ok(Approving::Unknown),
    };
    question(&pages, &visitor, &done)
}

fn question(pages: &Pages, visitor: &Visitor, found: &Result<Approving, TendingFault>) -> Response {
    let (status, outcome, invitation) = match found {
        Ok(Approving::Open(invitation)) => (StatusCode::OK, "open", invitation),
        Ok(Approving::Done(invitation)) => (StatusCode::OK, "done", invitation),
        Ok(Approving::Closed(invitation)) => {
            let is_withdrawn = matches!(invitation.state, Progress::Withdrawn { .. });
            (StatusCode::GONE, if is_withdrawn { "withdrawn" } else { "used" }, invitation)
        }
        Ok(Approving::TooOld(invitation)) => (StatusCode::GONE, "old", invitation),
        Ok(Approving::Off(invitation)) => (StatusCode::FORBIDDEN, "off", invitation),
        Ok(Approving::Unknown) => return pages.page(StatusCode::NOT_FOUND, "unknown", Plain {}),
        Err(fault) => return busy(fault),
    };
    let names = Question {
        invitee: &invitation.invitee,
        subject: &invitation.subject,
        days: invitation.lifespan.in_days(),
        outcome,
        form: visitor.form_token(),
    };
    pages.page(status, "approval", names)
}

/// The person is asked to try again; what is wrong is for the log.
fn busy(fault: &TendingFault) -> Response {
    error!(%fault, "a fresh link");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
