//! Single sign-on: the way to an identity provider and back (SAML 2.0 Web Browser SSO profile, *Profiles for SAML V2.0*
//! §4.1).
//!
//! The way there begins with a form of ours. It goes on by a page, not by a redirect: `form-action` of our
//! Content-Security-Policy holds for redirects behind a form too, and a provider may send people further on to others.
//!
//! The way back is a form of the provider's, which a [`Form`] of ours cannot be. What takes its place is the cookie
//! `__Host-question`: only the browser that has carried the question has it, and it is good for one answer.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::accounts::Origin;
use crate::auth::saml::RESPONSE_MAX;
use crate::auth::saml::requests::WAIT_MAX;
use crate::auth::saml::sign_on::{Arrived, How, NoQuestion, SignOn, TurnedAway};
use crate::httpd::cookie::Name;
use crate::httpd::form::Form;
use crate::httpd::page::Pages;
use crate::httpd::permit::{StaffNetworks, Visitor};
use crate::httpd::router::Parts;
use crate::httpd::session::{SessionFault, Sessions};
use crate::httpd::way::Next;

/// Octets of the provider's form. Of base64 one letter in thirty is written with three (WHATWG URL §5.2).
const FORM_MAX: usize = 2 * RESPONSE_MAX;

/// What stands in our form.
#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    next: Next,
}

/// What stands in the provider's (*Bindings for SAML V2.0* §3.5.4). RelayState is not looked at: where the person wanted
/// to go is kept with the question.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "SAMLResponse")]
    response: String,
}

/// The names of `page/saml-leave.html`.
#[derive(Serialize)]
struct Leave<'a> {
    provider: &'a str,
    address: &'a str,
}

/// The names of `page/saml-failed.html`.
#[derive(Serialize)]
struct Failed<'a> {
    how: &'a str,
    reference: &'a str,
}

/// What stands in the provider's when it is about signing out: its own word, or its answer to ours.
#[derive(Debug, Deserialize)]
struct Told {
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "RelayState", default)]
    relay_state: String,
}

/// What stands in an address that a provider sends a browser to with its answer.
#[derive(Debug, Deserialize)]
struct Back {
    #[serde(rename = "SAMLResponse")]
    response: String,
}

/// The names of `page/saml-signed-out.html`.
#[derive(Serialize)]
pub(super) struct SignedOut<'a> {
    how: &'a str,
    /// Where to go on to; empty for nowhere.
    address: &'a str,
}

/// `/saml/metadata`, `/saml/acs`, `/saml/slo`, and `/saml/NAME` for each provider.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/saml/metadata", get(metadata))
        .route("/saml/acs", post(arrive).layer(DefaultBodyLimit::max(FORM_MAX)))
        .route("/saml/slo", get(left).post(told).layer(DefaultBodyLimit::max(FORM_MAX)))
        .route("/saml/{provider}", post(leave))
}

/// Our own, for whoever sets up a provider.
async fn metadata(State(sign_on): State<SignOn>) -> Response {
    // *Metadata for the OASIS SAML V2.0*, appendix A.
    ([(CONTENT_TYPE, "application/samlmetadata+xml")], sign_on.metadata()).into_response()
}

async fn leave(
    pages: Pages,
    State(sign_on): State<SignOn>,
    State(staff): State<StaffNetworks>,
    Path(provider): Path<String>,
    Form { by: visitor, fields }: Form<Visitor, Asked>,
) -> Response {
    // Providers vouch for staff: from outside their networks there is none.
    if !staff.hold(visitor.peer) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match sign_on.begin(&provider, fields.next.path(), visitor.peer).await {
        Ok(question) => {
            let cookie = Name::Question.give(&question.token, Some(WAIT_MAX));
            let names = Leave { provider: &question.label, address: &question.address };
            (cookie, pages.page(StatusCode::OK, "saml-leave", names)).into_response()
        }
        Err(NoQuestion::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(NoQuestion::Throttled(wait)) => {
            let wait = wait.as_secs().max(1).to_string();
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, wait)]).into_response()
        }
        Err(NoQuestion::Fault(fault)) => {
            error!(%fault, "beginning a question");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn arrive(
    pages: Pages,
    State(sign_on): State<SignOn>,
    State(sessions): State<Sessions>,
    State(staff): State<StaffNetworks>,
    visitor: Visitor,
    headers: HeaderMap,
    axum::Form(answer): axum::Form<Answer>,
) -> Response {
    if !staff.hold(visitor.peer) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let question = Name::Question.read(&headers);
    let arrived = sign_on.arrive(question.as_ref(), answer.response, visitor.peer).await;
    let response = match arrived {
        Ok(arrived) => begin(&sessions, &arrived, &headers).await,
        Err(away) => {
            let (status, how) = match away.how {
                How::Unasked => (StatusCode::FORBIDDEN, "unasked"),
                How::Disbelieved => (StatusCode::FORBIDDEN, "disbelieved"),
                How::NoAccess => (StatusCode::FORBIDDEN, "no-access"),
                How::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            };
            pages.page(status, "saml-failed", Failed { how, reference: &away.reference })
        }
    };
    (Name::Question.take(), response).into_response()
}

async fn begin(sessions: &Sessions, arrived: &Arrived, headers: &HeaderMap) -> Response {
    match sessions
        .begin(&arrived.identity, Name::Session.read(headers).as_ref(), Some(arrived.origin.clone()))
        .await
    {
        Ok(token) => {
            let cookie = Name::Session.give(&token, Some(sessions.lifetime()));
            (cookie, Next::read(&arrived.next).leads(arrived.identity.kind)).into_response()
        }
        Err(SessionFault::Changed) => Next::read(&arrived.next).sign_in().into_response(),
        Err(fault) => {
            error!(%fault, "beginning a session");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The page for somebody whose session went back to one at a provider, and has just ended.
pub(super) fn signed_out(pages: &Pages, sign_on: &SignOn, origin: &Origin) -> Response {
    let address = sign_on.dismissal(origin);
    let names = match &address {
        Some(address) => SignedOut { how: "leaving", address },
        None => SignedOut { how: "stays", address: "" },
    };
    pages.page(StatusCode::OK, "saml-signed-out", names)
}

/// A provider has something to say about signing out. A form of its own again: what takes the place of ours is its
/// signature, and an answer to our own word changes nothing.
async fn told(
    pages: Pages,
    State(sign_on): State<SignOn>,
    State(staff): State<StaffNetworks>,
    visitor: Visitor,
    axum::Form(told): axum::Form<Told>,
) -> Response {
    if !staff.hold(visitor.peer) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match told {
        Told { request: Some(request), response: None, relay_state } => {
            match sign_on.heed(request, &relay_state, visitor.peer).await {
                Ok(Some(address)) => Redirect::to(&address).into_response(),
                Ok(None) => say(&pages, StatusCode::OK, "told"),
                Err(TurnedAway { how: How::Unavailable, .. }) => {
                    say(&pages, StatusCode::SERVICE_UNAVAILABLE, "refused")
                }
                Err(_) => say(&pages, StatusCode::FORBIDDEN, "refused"),
            }
        }
        Told { request: None, response: Some(response), .. } => {
            say(&pages, StatusCode::OK, over(sign_on.is_over(&response, false)))
        }
        Told { .. } => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The same answer in an address. Anybody can write one: whoever is still signed in here reads just that (the template
/// knows).
async fn left(
    pages: Pages,
    State(sign_on): State<SignOn>,
    State(staff): State<StaffNetworks>,
    visitor: Visitor,
    Query(back): Query<Back>,
) -> Response {
    if !staff.hold(visitor.peer) {
        return StatusCode::NOT_FOUND.into_response();
    }
    say(&pages, StatusCode::OK, over(sign_on.is_over(&back.response, true)))
}

const fn over(is_over: bool) -> &'static str {
    if is_over { "over" } else { "failed" }
}

fn say(pages: &Pages, status: StatusCode, how: &str) -> Response {
    pages.page(status, "saml-signed-out", SignedOut { how, address: "" })
}
