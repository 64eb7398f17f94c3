//! The way in and out, for guests and for staff: one form, because a person need not know what we call them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::error;

#[cfg(feature = "saml")]
use crate::auth::saml::sign_on::SignOn;
use crate::auth::{Authenticator, Identity, Verdict, too_often};
use crate::base::phrase::{Phrase, phrase};
use crate::base::secret::Secret;
use crate::config;
use crate::httpd::cookie::Name;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
#[cfg(feature = "saml")]
use crate::httpd::pages::saml;
use crate::httpd::permit::{FormToken, Person, StaffNetworks, Visitor};
use crate::httpd::router::Parts;
use crate::httpd::session::{SessionFault, Sessions};
use crate::httpd::way::Next;

/// What is typed into the form.
#[derive(Debug, Deserialize)]
struct Typed {
    address: String,
    password: Secret,
    #[serde(default)]
    next: Next,
}

/// What the address says behind the question mark.
#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    next: Next,
    #[serde(rename = "signed-out")]
    signed_out: Option<String>,
}

/// The names of `page/sign-in.html`.
#[derive(Serialize)]
struct SignIn<'a> {
    address: &'a str,
    fault: Option<String>,
    signed_out: bool,
    /// Where it leads afterwards; empty for home.
    next: &'a str,
    providers: &'a [Provider],
    form: &'a str,
}

/// Why somebody does not come in, as a page says it.
pub(super) struct TurnedAway {
    pub(super) status: StatusCode,
    pub(super) fault: Phrase,
    /// When another try counts.
    wait: Option<Duration>,
}

/// The identity providers that somebody can sign in by instead. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Providers(Arc<[Provider]>);

/// The button of one of them.
#[derive(Debug, Serialize)]
pub(super) struct Provider {
    /// It leads to `/saml/NAME`.
    name: String,
    label: String,
}

impl TurnedAway {
    /// Who is let in, or why nobody is.
    pub(super) fn or_in(verdict: Verdict) -> Result<Identity, Self> {
        match verdict {
            Verdict::Known(identity) => Ok(identity),
            Verdict::Refused => Err(Self::because(StatusCode::UNPROCESSABLE_ENTITY, refused())),
            Verdict::Throttled(wait) => {
                let away = Self::because(StatusCode::TOO_MANY_REQUESTS, too_often(wait));
                Err(Self { wait: Some(wait), ..away })
            }
            Verdict::Unavailable => Err(Self::because(StatusCode::SERVICE_UNAVAILABLE, unavailable())),
        }
    }

    pub(super) const fn because(status: StatusCode, fault: Phrase) -> Self {
        Self { status, fault, wait: None }
    }

    /// The page that says so, and when to try again (RFC 9110 §10.2.3).
    pub(super) fn answer(&self, page: Response) -> Response {
        match self.wait {
            Some(wait) => ([(RETRY_AFTER, wait.as_secs().max(1).to_string())], page).into_response(),
            None => page,
        }
    }
}

impl Providers {
    /// As they are configured.
    #[must_use]
    pub fn new(providers: &[config::Saml]) -> Self {
        let button =
            |provider: &config::Saml| Provider { name: provider.name.clone(), label: provider.label.clone() };
        Self(providers.iter().map(button).collect())
    }

    /// Those that somebody from there can use: providers vouch for staff.
    pub(super) fn offered(&self, staff: &StaffNetworks, peer: IpAddr) -> &[Provider] {
        if staff.hold(peer) { &self.0 } else { &[] }
    }
}

/// `/sign-in` and `/sign-out`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/sign-in", get(show).post(enter)).route("/sign-out", post(leave))
}

async fn show(
    person: Result<Person, Response>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    State(staff): State<StaffNetworks>,
    State(providers): State<Providers>,
    pages: Pages,
) -> Response {
    if let Ok(person) = person {
        return asked.next.leads(person.account.kind).into_response();
    }
    let names = SignIn {
        address: "",
        fault: None,
        signed_out: asked.signed_out.is_some(),
        next: asked.next.path(),
        providers: providers.offered(&staff, visitor.peer),
        form: visitor.form_token(),
    };
    (visitor.cookie(), pages.page(StatusCode::OK, "sign-in", names)).into_response()
}

async fn enter(
    pages: Pages,
    State(sessions): State<Sessions>,
    State(authenticator): State<Authenticator>,
    State(staff): State<StaffNetworks>,
    State(providers): State<Providers>,
    headers: HeaderMap,
    Form { by: visitor, fields }: Form<Visitor, Typed>,
) -> Response {
    let address = fields.address.trim();
    // From outside the networks of staff, a staff password is as good as a wrong one.
    let kinds = staff.kinds(visitor.peer);
    let verdict = authenticator.sign_in(address, &fields.password, visitor.peer, kinds, "web").await;
    let away = match TurnedAway::or_in(verdict) {
        Ok(identity) => return begin(&sessions, &identity, &headers, &fields.next).await,
        Err(away) => away,
    };
    let (next, form) = (fields.next.path(), visitor.form_token());
    let fault = Some(pages.say(&away.fault));
    let providers = providers.offered(&staff, visitor.peer);
    let names = SignIn { address, fault, signed_out: false, next, providers, form };
    away.answer(pages.page(away.status, "sign-in", names))
}

pub(super) async fn begin(
    sessions: &Sessions,
    identity: &Identity,
    headers: &HeaderMap,
    next: &Next,
) -> Response {
    match sessions.begin(identity, Name::Session.read(headers).as_ref(), None).await {
        Ok(token) => {
            let cookie = Name::Session.give(&token, Some(sessions.lifetime()));
            (cookie, next.leads(identity.kind)).into_response()
        }
        Err(SessionFault::Changed) => next.sign_in().into_response(),
        Err(fault) => {
            error!(%fault, "beginning a session");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn leave(
    State(sessions): State<Sessions>,
    #[cfg(feature = "saml")] pages: Pages,
    #[cfg(feature = "saml")] State(sign_on): State<SignOn>,
    Form { by: person, .. }: Form<Person, Button>,
) -> Response {
    match sessions.end(person.session()).await {
        #[cfg(feature = "saml")]
        Ok(()) if let Some(origin) = person.origin() => {
            (Name::Session.take(), saml::signed_out(&pages, &sign_on, origin)).into_response()
        }
        Ok(()) => (Name::Session.take(), Redirect::to("/sign-in?signed-out")).into_response(),
        Err(fault) => {
            error!(%fault, "ending a session");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// One sentence for unknown, wrong and locked, so that it tells nothing.
fn refused() -> Phrase {
    phrase!("That address and password do not belong together. Please try again.")
}

/// The password may well be right.
fn unavailable() -> Phrase {
    phrase!(
        "Passwords cannot be checked at the moment. Yours may well be right: please try again in a few minutes."
    )
}
