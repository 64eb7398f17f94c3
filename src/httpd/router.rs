//! The way from a request to its page, and the layers around all of them.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRef, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::debug;

use crate::auth::Authenticator;
#[cfg(feature = "saml")]
use crate::auth::saml::sign_on::SignOn;
use crate::config;
use crate::dropoff::Dropoff;
use crate::httpd::form::Origin;
use crate::httpd::page::{Asker, Pages, fortify};
#[cfg(feature = "saml")]
use crate::httpd::pages::saml;
use crate::httpd::pages::sign_in::Providers;
use crate::httpd::pages::{
    account, activate, admin, advice, dropoff, files, forgotten, guests, invitations, invite, join, mailbox,
    received, renewal, sent, sign_in, verify,
};
use crate::httpd::permit::StaffNetworks;
use crate::httpd::session::Sessions;
use crate::httpd::tus;
use crate::intake::Intake;
use crate::intake::letters::Letters;
use crate::registration::Registration;
use crate::roster::Roster;
use crate::sponsoring::Sponsoring;
use crate::switches::Switchboard;
use crate::tending::renewal::Renewals;
use crate::upkeep::Upkeep;
use crate::upkeep::forgotten::Forgotten;

/// The bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Octets of a form (`limits.web_body_octets`).
    pub body_octets: usize,
    /// From the head of a request to the head of its answer (`limits.web_request_time`).
    pub request_time: Duration,
    /// Octets of a form with files: twice a message (`limits.message_size`), so that whoever sends too much hears so.
    pub letter_octets: usize,
    /// As `request_time`, for a form with files (`limits.message_time`).
    pub letter_time: Duration,
}

/// The parts that the pages stand on. No handler sees it whole: each names the part that it needs.
#[derive(Clone)]
pub struct Parts {
    /// Makes pages.
    pub pages: Pages,
    /// Who is signed in.
    pub sessions: Sessions,
    /// From where staff may come.
    pub staff: StaffNetworks,
    /// Where our own forms come from.
    pub origin: Origin,
    /// From a link to an account.
    pub registration: Registration,
    /// Fresh links for expired ones.
    pub renewals: Renewals,
    /// Checks names and passwords.
    pub authenticator: Authenticator,
    /// Knows whom one may invite, also where an address is corrected.
    pub intake: Intake,
    /// Takes what staff write.
    pub letters: Letters,
    /// Staff and their guests.
    pub sponsoring: Sponsoring,
    /// All accounts, for administrators.
    pub roster: Roster,
    /// What administrators change while the service runs.
    pub switches: Switchboard,
    /// Buttons for signing in elsewhere.
    pub providers: Providers,
    /// Signs people in by them.
    #[cfg(feature = "saml")]
    pub sign_on: SignOn,
    /// What people do about their own accounts.
    pub upkeep: Upkeep,
    /// Forgotten passwords.
    pub forgotten: Forgotten,
    /// From guests' files to their recipients.
    pub dropoff: Dropoff,
}

impl Bounds {
    /// As the settings have them.
    #[must_use]
    pub fn new(limits: &config::Limits) -> Self {
        Self {
            body_octets: limits.web_body_octets,
            request_time: limits.web_request_time,
            letter_octets: usize::try_from(limits.message_octets.saturating_mul(2)).unwrap_or(usize::MAX),
            letter_time: limits.message_time,
        }
    }
}

/// All pages. The demo hands its mailbox in; without it there is no such page.
pub fn router(parts: Parts, demo: Option<mailbox::Demo>, bounds: Bounds) -> Router {
    let pages = parts.pages.clone();
    let mut router = Router::new()
        .merge(files::routes())
        .merge(activate::routes())
        .merge(join::routes())
        .merge(renewal::routes())
        .merge(sign_in::routes())
        .merge(dropoff::routes())
        .merge(invite::routes())
        .merge(invitations::routes())
        .merge(guests::routes())
        .merge(admin::people::routes())
        .merge(admin::switches::routes())
        .merge(verify::routes())
        .merge(forgotten::routes())
        .merge(account::routes())
        .merge(advice::routes())
        .merge(sent::routes())
        .merge(received::routes());
    #[cfg(feature = "saml")]
    {
        router = router.merge(saml::routes());
    }
    if let Some(demo) = demo {
        router = router.merge(mailbox::routes(demo));
    }
    let forms = bounded(router, bounds.body_octets, bounds.request_time);
    let letters = bounded(invite::letter::routes(), bounds.letter_octets, bounds.letter_time);
    // Files take as long as they take: each of these says itself how long it waits for the next octet.
    let streams = Router::new().merge(dropoff::streams()).merge(received::streams()).merge(tus::routes());
    framed(forms.merge(letters).merge(streams).with_state(parts), pages)
}

/// What a request to these pages may send, and how long its answer may take.
pub(super) fn bounded<S>(router: Router<S>, octets: usize, time: Duration) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router
        .layer(DefaultBodyLimit::max(octets))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, time))
}

/// Every answer passes these.
pub(super) fn framed(router: Router, pages: Pages) -> Router {
    router.layer(CatchPanicLayer::new()).layer(middleware::from_fn_with_state(pages, finish))
}

/// The outermost layer: every page gets its frame and is in the language of its reader, whatever went wrong inside becomes
/// a page, and every answer gets its headers.
async fn finish(State(pages): State<Pages>, mut request: Request, next: Next) -> Response {
    let pages = pages.asked_by(request.headers());
    request.extensions_mut().insert(pages.clone());
    let method = request.method().clone();
    // The pattern, not the path: that holds tokens.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let asker = Asker::of(request.headers(), request.uri().path());
    let mut response = pages.framed(&asker, next.run(request).await);
    fortify(response.headers_mut());
    debug!(%method, route = route.as_ref().map(MatchedPath::as_str), status = response.status().as_u16(), "answered");
    if method == Method::HEAD { without_body(response) } else { response }
}

/// HEAD is answered as GET is, but for the body (RFC 9110 §9.3.2), whoever made the answer.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        head.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}

/// Lets a handler name the one part that it needs.
macro_rules! part {
    ($($name:ident: $part:ty),+) => {
        $(impl FromRef<Parts> for $part {
            fn from_ref(parts: &Parts) -> Self {
                parts.$name.clone()
            }
        })+
    };
}

part!(
    sessions: Sessions,
    staff: StaffNetworks,
    origin: Origin,
    registration: Registration,
    renewals: Renewals,
    authenticator: Authenticator,
    intake: Intake,
    letters: Letters,
    sponsoring: Sponsoring,
    roster: Roster,
    switches: Switchboard,
    providers: Providers,
    upkeep: Upkeep,
    forgotten: Forgotten,
    dropoff: Dropoff
);

#[cfg(feature = "saml")]
part!(sign_on: SignOn);
