//! Single sign-on: the way to an identity provider and back (SAML 2.0 Web Browser SSO profile, *Profiles for SAML V2.0*
//! §4.1).
//!
//! The way there begins with a form of ours. It goes on by a page, not by a redirect: `form-action` of our
//! Content-Security-Policy holds for redirects behind a form too, and a provider may send people further on to others.
//!
//! The way back is a form of the provider's, which a [`Form`] of ours cannot be. What takes its place is the cookie
//! `__Host-question`: only the browser that has carried the question has it, and it is good for one answer.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::auth::saml::RESPONSE_MAX;
use crate::auth::saml::requests::WAIT_MAX;
use crate::auth::saml::sign_on::{Arrived, How, NoQuestion, SignOn};
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

/// `/saml/metadata`, `/saml/acs`, and `/saml/NAME` for each provider.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/saml/metadata", get(metadata))
        .route("/saml/acs", post(arrive).layer(DefaultBodyLimit::max(FORM_MAX)))
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
    match sessions.begin(&arrived.identity, Name::Session.read(headers).as_ref()).await {
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
