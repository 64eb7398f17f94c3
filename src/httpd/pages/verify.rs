//! Between the form and the account, where an address is to be verified: the page that says that a mail is on its way,
//! and `/verify/WORD`, the page with one button behind that mail's link.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::accounts::applicants::Applicant;
use crate::base::mailbox::Mailbox;
use crate::httpd::cookie::Name;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::{Pages, Plain};
use crate::httpd::pages::activate::hash;
use crate::httpd::permit::{FormToken, Visitor};
use crate::httpd::router::Parts;
use crate::httpd::session::Sessions;
use crate::invites::{Invitation, Standing};
use crate::registration::verification::{Again, Verified, Verifying};
use crate::registration::{ActivationFault, Registration};

/// The names of `page/waiting.html`.
#[derive(Serialize)]
struct Waiting<'a> {
    inviter: &'a Mailbox,
    invitee: &'a Mailbox,
    /// `first`, `again`, `soon` or `enough`.
    outcome: &'a str,
    /// Where the form leads that asks for another mail.
    again: &'a str,
    until: String,
    form: &'a str,
}

/// The names of `page/verify.html`.
#[derive(Serialize)]
struct Verify<'a> {
    applicant: &'a Mailbox,
    /// `open`, `done`, `withdrawn` or `old`.
    outcome: &'a str,
    form: &'a str,
}

/// `/i/TOKEN/again` and `/verify/WORD`.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/i/{token}/again", post(again).get(back))
        .route("/verify/{word}", get(look).post(press))
}

/// The page for who has filled in the form of the link with this word.
pub(super) fn waiting(
    pages: &Pages,
    visitor: &Visitor,
    word: &str,
    outcome: &str,
    invitation: &Invitation,
    applicant: &Applicant,
) -> Response {
    let names = Waiting {
        inviter: &invitation.inviter,
        invitee: &applicant.mailbox,
        outcome,
        again: &format!("/i/{word}/again"),
        until: pages.moment(applicant.ends),
        form: visitor.form_token(),
    };
    let status = if outcome == "soon" { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    pages.page(status, "waiting", names)
}

/// The page behind the form has an address that a browser may load again: it leads to where the form was.
async fn back(Path(word): Path<String>) -> Response {
    match hash(&word) {
        Some(_) => Redirect::to(&format!("/i/{word}")).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn again(
    Path(word): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
    Form { by: visitor, fields: Button {} }: Form<Visitor, Button>,
) -> Response {
    let Some(link) = hash(&word) else {
        return pages.page(StatusCode::NOT_FOUND, "unknown", Plain {});
    };
    let (outcome, applicant) = match registration.send_again(&link).await {
        Ok(Again::Sent(applicant)) => ("again", applicant),
        Ok(Again::TooSoon(applicant)) => ("soon", applicant),
        Ok(Again::TooMany(applicant)) => ("enough", applicant),
        // The page of the link says how it stands.
        Ok(Again::Nobody) | Err(ActivationFault::Standing(_)) => {
            return Redirect::to(&format!("/i/{word}")).into_response();
        }
        Err(fault) => return busy(&fault),
    };
    match registration.look(&link) {
        Ok(Standing::Open(invitation)) => {
            waiting(&pages, &visitor, &word, outcome, &invitation.value, &applicant)
        }
        Ok(_) => Redirect::to(&format!("/i/{word}")).into_response(),
        Err(fault) => busy(&fault.into()),
    }
}

async fn look(
    visitor: Visitor,
    Path(word): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
) -> Response {
    let found = hash(&word).map_or(Ok(Verifying::Unknown), |word| registration.verifying(&word));
    let page = match found {
        Ok(found) => standing(&pages, &visitor, &found),
        Err(fault) => busy(&fault.into()),
    };
    (visitor.cookie(), page).into_response()
}

async fn press(
    Path(word): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
    State(sessions): State<Sessions>,
    Form { by: visitor, fields: Button {} }: Form<Visitor, Button>,
) -> Response {
    let Some(word) = hash(&word) else {
        return standing(&pages, &visitor, &Verifying::Unknown);
    };
    match registration.verify(&word, visitor.peer).await {
        Ok(Verified::Opened(activated)) => {
            let cookie = Name::Session.give(&activated.session, Some(sessions.lifetime()));
            (cookie, Redirect::to("/dropoff")).into_response()
        }
        Ok(Verified::Not(found)) => standing(&pages, &visitor, &found),
        Err(fault) => busy(&fault),
    }
}

fn standing(pages: &Pages, visitor: &Visitor, found: &Verifying) -> Response {
    let (status, outcome, applicant) = match found {
        Verifying::Open(open) => (StatusCode::OK, "open", &open.mailbox),
        Verifying::Done(person) => (StatusCode::OK, "done", person),
        Verifying::Withdrawn(person) => (StatusCode::GONE, "withdrawn", person),
        Verifying::TooOld(person) => (StatusCode::GONE, "old", person),
        Verifying::Unknown => return pages.page(StatusCode::NOT_FOUND, "unknown", Plain {}),
    };
    pages.page(status, "verify", Verify { applicant, outcome, form: visitor.form_token() })
}

/// The person is asked to try again; what is wrong is for the log.
fn busy(fault: &ActivationFault) -> Response {
    error!(%fault, "verifying an address");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
