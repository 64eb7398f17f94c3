//! Pages: a template filled in, with its status; and the headers that every answer carries.

use std::sync::Arc;

use axum::response::{Html, IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::error;

use crate::base::clock::Timestamp;
use crate::template::Shelf;

/// What every answer carries unless it says otherwise itself.
const HEADERS: [(HeaderName, &str); 5] = [
    // Nothing but our own sheet and pictures, no script at all, in nobody's frame.
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Our addresses hold tokens.
    (REFERRER_POLICY, "no-referrer"),
    // Browsers heed it only for names, not for the demo's numbers (RFC 6797 §8.1.1).
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (CACHE_CONTROL, "no-store"),
];

/// Shown when even the page for errors cannot be rendered.
const LAST_WORDS: &str = "Something went wrong here. Please try again in a few minutes.\n";

/// Makes pages from the templates in force.
#[derive(Clone)]
pub struct Pages {
    shelf: Shelf,
    organisation: Arc<str>,
}

/// What a template sees: its page's own names, and the organisation.
#[derive(Serialize)]
struct Whole<'a, C> {
    organisation: Organisation<'a>,
    #[serde(flatten)]
    own: C,
}

#[derive(Serialize)]
struct Organisation<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Wrong {
    status: u16,
}

/// A page that has nothing to say of its own.
#[derive(Debug, Serialize)]
pub struct Plain {}

impl Pages {
    /// Pages in the name of this organisation.
    #[must_use]
    pub fn new(shelf: Shelf, organisation: &str) -> Self {
        Self { shelf, organisation: organisation.into() }
    }

    /// The page `page/NAME.html`.
    pub fn page<C: Serialize>(&self, status: StatusCode, name: &str, own: C) -> Response {
        match self.rendered(name, own) {
            Ok(page) => (status, Html(page)).into_response(),
            // Without a body: the outermost layer puts the page for errors in.
            Err(status) => status.into_response(),
        }
    }

    /// The page for what went wrong.
    #[must_use]
    pub fn wrong(&self, status: StatusCode) -> Response {
        match self.rendered("error", Wrong { status: status.as_u16() }) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(_) => (status, LAST_WORDS).into_response(),
        }
    }

    /// The text of a file that is served as it is.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<String> {
        self.shelf.current().text(name).map(ToOwned::to_owned)
    }

    fn rendered<C: Serialize>(&self, name: &str, own: C) -> Result<String, StatusCode> {
        let whole = Whole { organisation: Organisation { name: &self.organisation }, own };
        self.shelf.current().render(&format!("page/{name}.html"), &whole).map_err(|fault| {
            error!(%fault, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

/// Adds the headers that are not there yet.
pub fn fortify(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A moment as people read it, to the minute: `8 December 2026, 13:45 UTC`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_jiff().strftime("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_out() {
        assert_eq!(moment(Timestamp::from_millis(1_796_737_500_000)), "8 December 2026, 13:45 UTC");
    }
}
