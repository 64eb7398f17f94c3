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
use crate::config;
use crate::dropoff::Dropoff;
use crate::httpd::form::Origin;
use crate::httpd::page::{Asker, Pages, fortify};
use crate::httpd::pages::{
    account, activate, dropoff, files, forgotten, mailbox, received, renewal, sent, sign_in, verify,
};
use crate::httpd::session::Sessions;
use crate::httpd::tus;
use crate::registration::Registration;
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
}

/// The parts that the pages stand on. No handler sees it whole: each names the part that it needs.
#[derive(Clone)]
pub struct Parts {
    /// Makes pages.
    pub pages: Pages,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Where our own forms come from.
    pub origin: Origin,
    /// From a link to an account.
    pub registration: Registration,
    /// Fresh links for expired ones.
    pub renewals: Renewals,
    /// Checks names and passwords.
    pub authenticator: Authenticator,
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
    pub const fn new(limits: &config::Limits) -> Self {
        Self { body_octets: limits.web_body_octets, request_time: limits.web_request_time }
    }
}

/// All pages. The demo hands its mailbox in; without it there is no such page.
pub fn router(parts: Parts, demo: Option<mailbox::Demo>, bounds: Bounds) -> Router {
    let pages = parts.pages.clone();
    let mut router = Router::new()
        .merge(files::routes())
        .merge(activate::routes())
        .merge(renewal::routes())
        .merge(sign_in::routes())
        .merge(dropoff::routes())
        .merge(verify::routes())
        .merge(forgotten::routes())
        .merge(account::routes())
        .merge(sent::routes())
        .merge(received::routes());
    if let Some(demo) = demo {
        router = router.merge(mailbox::routes(demo));
    }
    // Files take as long as they take: each of these says itself how long it waits for the next octet.
    let streams = Router::new().merge(dropoff::streams()).merge(received::streams()).merge(tus::routes());
    framed(bounded(router, bounds).merge(streams).with_state(parts), pages)
}

/// What a form may have and a page may take.
pub(super) fn bounded<S: Clone + Send + Sync + 'static>(router: Router<S>, bounds: Bounds) -> Router<S> {
    router
        .layer(DefaultBodyLimit::max(bounds.body_octets))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, bounds.request_time))
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
    pages: Pages,
    sessions: Sessions,
    origin: Origin,
    registration: Registration,
    renewals: Renewals,
    authenticator: Authenticator,
    upkeep: Upkeep,
    forgotten: Forgotten,
    dropoff: Dropoff
);
