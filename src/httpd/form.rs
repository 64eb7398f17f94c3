//! Forms that come back, and the proof that they are ours.
//!
//! Another site can make a browser send a form to us, cookies and all. So three things are asked of each POST:
//! the browser does not say that it comes from elsewhere (`Sec-Fetch-Site`, else `Origin`); the form has our hidden
//! field; and the field fits the cookie: for a guest the session's own token, before sign-in the `__Host-form`
//! cookie's value (double submit, which the `__Host-` prefix makes safe from neighbouring hosts).

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time;
use axum::RequestExt;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::ORIGIN;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use crate::httpd::multipart::{FormFault, Multipart};
use crate::httpd::permit::FormToken;

/// A form of ours that came back: who sends it, and what was typed.
#[derive(Debug)]
pub struct Form<P, F> {
    /// Who sends it.
    pub by: P,
    /// What was typed.
    pub fields: F,
}

/// A form with files that came back (RFC 7578). Its hidden field stands first and is proven before anything else is
/// read, so that a file of a stranger's is never taken.
pub struct Packet<P> {
    /// Who sends it.
    pub by: P,
    /// What follows the hidden field, in the order of the page.
    pub form: Multipart,
}

/// Octets of the hidden field: our tokens have less.
const HIDDEN_MAX: usize = 256;
/// How long a form with files may bring nothing; how long it may take in all is the route's bound.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// A form that only has a button.
#[derive(Debug, Deserialize)]
pub struct Button {}

/// Scheme, host and port under which people know us: `https://postern.corp.example`.
#[derive(Clone, Debug)]
pub struct Origin(Arc<str>);

/// The body of a form (WHATWG URL §5.1), with our hidden field.
#[derive(Deserialize)]
struct Posted<F> {
    #[serde(default)]
    form: String,
    #[serde(flatten)]
    fields: F,
}

impl Origin {
    /// The origin of our public address, which may go on with a path.
    #[must_use]
    pub fn of(public_url: &str) -> Self {
        let host_at = public_url.find("://").map_or(0, |at| at + 3);
        let end = public_url.get(host_at..).and_then(|rest| rest.find('/')).map(|at| host_at + at);
        let origin = end.and_then(|end| public_url.get(..end)).unwrap_or(public_url);
        Self(origin.to_ascii_lowercase().into())
    }

    /// Whether the browser says that the form was sent from another site's page.
    pub(super) fn is_foreign(&self, headers: &HeaderMap) -> bool {
        // Fetch Metadata §2.4. `none` is a person's own doing, by address bar or bookmark.
        if let Some(site) = headers.get("sec-fetch-site") {
            return !matches!(site.as_bytes(), b"same-origin" | b"none");
        }
        // Our Referrer-Policy makes browsers write `null` even for our own forms (Fetch §3.2): that says nothing.
        headers.get(ORIGIN).is_some_and(|origin| {
            origin != "null" && !origin.as_bytes().eq_ignore_ascii_case(self.0.as_bytes())
        })
    }
}

impl<S, P, F> FromRequest<S> for Form<P, F>
where
    S: Send + Sync,
    P: FromRequestParts<S, Rejection = Response> + FormToken + Send,
    F: DeserializeOwned,
    Origin: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if Origin::from_ref(state).is_foreign(&parts.headers) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        let by = P::from_request_parts(&mut parts, state).await?;
        let axum::Form(posted) =
            axum::Form::<Posted<F>>::from_request(Request::from_parts(parts, body), state)
                .await
                .map_err(IntoResponse::into_response)?;
        if !is_token_of(&by, &posted.form) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        Ok(Self { by, fields: posted.fields })
    }
}

/// Whether a hidden field has what was given to this person. In constant time.
pub(super) fn is_token_of(by: &impl FormToken, field: &str) -> bool {
    constant_time::verify_slices_are_equal(field.as_bytes(), by.form_token().as_bytes()).is_ok()
}

impl<S, P> FromRequest<S> for Packet<P>
where
    S: Send + Sync,
    P: FromRequestParts<S, Rejection = Response> + FormToken + Send,
    Origin: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if Origin::from_ref(state).is_foreign(&parts.headers) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        let by = P::from_request_parts(&mut parts, state).await?;
        // No more than the route allows, as for every other form.
        let (parts, body) = Request::from_parts(parts, body).with_limited_body().into_parts();
        let mut form = Multipart::new(&parts.headers, body, PAUSE_MAX).map_err(|fault| unread(&fault))?;
        let first = form.next().await.map_err(|fault| unread(&fault))?;
        let hidden = match first.filter(|part| part.name == "form") {
            Some(_) => form.text(HIDDEN_MAX).await.map_err(|fault| unread(&fault))?,
            None => String::new(),
        };
        if !is_token_of(&by, &hidden) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        Ok(Self { by, form })
    }
}

/// The page for a form with files that could not be read.
pub(super) fn unread(fault: &FormFault) -> Response {
    debug!(%fault, "a form with files");
    match fault {
        FormFault::Form => StatusCode::BAD_REQUEST,
        FormFault::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        FormFault::BrokeOff => StatusCode::REQUEST_TIMEOUT,
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn foreign(name: &'static str, value: &'static str) -> bool {
        let headers =
            HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))]);
        Origin::of("https://Postern.corp.example:8443/portal").is_foreign(&headers)
    }

    #[test]
    fn only_what_says_that_it_comes_from_elsewhere_is_foreign() {
        assert!(!Origin::of("https://a.example").is_foreign(&HeaderMap::new()));
        assert!(!foreign("origin", "https://postern.corp.example:8443"));
        assert!(!foreign("origin", "null"));
        assert!(!foreign("sec-fetch-site", "same-origin"));
        assert!(foreign("origin", "https://postern.corp.example"));
        assert!(foreign("origin", "https://evil.example"));
        assert!(foreign("sec-fetch-site", "cross-site"));
        assert!(foreign("sec-fetch-site", "same-site"));
    }
}
