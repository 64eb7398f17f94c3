//! Pages: a template filled in, in the language of its reader, with its status; and the headers that every answer carries.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::error;

use crate::accounts::Account;
use crate::base::clock::Timestamp;
use crate::base::language::Language;
use crate::base::phrase::Phrase;
use crate::config;
use crate::httpd::reader;
use crate::invites::Invitation;
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

/// Makes pages from the templates in force, for one reader. A handler names it among its arguments; what it gets knows
/// the account that the request belongs to, and the browser's languages.
#[derive(Clone)]
pub struct Pages {
    shelf: Shelf,
    organisation: Arc<str>,
    /// Where nothing else is known.
    default: Language,
    /// The reader's own choice, from the account.
    chosen: Option<Language>,
    /// The browser's.
    preferred: Option<Language>,
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
    pub fn new(shelf: Shelf, organisation: &config::Organisation) -> Self {
        let default = organisation.language;
        Self {
            shelf,
            organisation: organisation.name.as_str().into(),
            default,
            chosen: None,
            preferred: None,
        }
    }

    /// For whoever asks with these headers, by this account if there is one.
    #[must_use]
    pub fn asked_by(&self, headers: &HeaderMap, account: Option<&Account>) -> Self {
        let preferred = reader::preferred(headers, &self.shelf.current().languages());
        let chosen = account.and_then(|account| account.language);
        Self { chosen, preferred, ..self.clone() }
    }

    /// For the invitee, if no account says otherwise: in the language that the inviter chose, if any.
    #[must_use]
    pub fn for_invitee(&self, invitation: &Invitation) -> Self {
        Self { chosen: self.chosen.or(invitation.language), ..self.clone() }
    }

    /// What the reader reads.
    #[must_use]
    pub fn language(&self) -> Language {
        self.chosen.or(self.preferred).unwrap_or(self.default)
    }

    /// A phrase in the reader's language.
    #[must_use]
    pub fn say(&self, phrase: &Phrase) -> String {
        self.shelf.current().say(self.language(), phrase)
    }

    /// A moment in the reader's language, to the minute: `8 December 2026, 13:45 UTC`.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> String {
        self.shelf.current().moment(self.language(), at)
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
        self.shelf.current().render(&format!("page/{name}.html"), self.language(), &whole).map_err(|fault| {
            error!(%fault, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pages {
    type Rejection = Response;

    /// The outermost layer has put it there.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            error!("a request came without its pages");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }
}

/// Adds the headers that are not there yet.
pub fn fortify(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
