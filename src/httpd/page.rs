//! Pages: a template filled in, with its status; and the headers that every answer carries.
//!
//! A handler says which page it is and what stands on it, and no more: the page is filled in by the outermost layer of
//! the router, which knows who asks. So every page has its frame (the organisation, who is signed in, where that person
//! may go), and no handler can forget it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::error;

use crate::accounts::{Account, Kind, Session};
use crate::base::clock::Timestamp;
use crate::base::secret::Token;
use crate::httpd::cookie::Name;
use crate::httpd::session::Sessions;
use crate::template::Shelf;

/// What every answer carries unless it says otherwise itself.
const HEADERS: [(HeaderName, &str); 5] = [
    // Nothing but our own sheet, script and pictures, none of it inline, in nobody's frame.
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
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

/// Where the navigation leads, the longer before the shorter: the first that the address begins with is where one is.
const PLACES: [&str; 8] =
    ["/dropoff/sent", "/dropoff", "/account", "/invitations", "/invite", "/received", "/guests", "/admin"];

/// Makes pages from the templates in force.
#[derive(Clone)]
pub struct Pages {
    shelf: Shelf,
    organisation: Arc<str>,
    sessions: Sessions,
}

/// What a request says about its page's frame.
#[derive(Debug)]
pub struct Asker {
    session: Option<Token>,
    here: &'static str,
}

/// A page that waits for its frame: travels with the response to the outermost layer.
#[derive(Clone)]
struct Draft {
    template: String,
    names: serde_json::Value,
}

/// What a template sees: the frame's names, and its page's own.
#[derive(Serialize)]
struct Whole<'a> {
    organisation: Organisation<'a>,
    /// Who is signed in, if anybody.
    person: Option<Person<'a>>,
    /// One of [`PLACES`], or empty.
    here: &'a str,
    #[serde(flatten)]
    own: &'a serde_json::Value,
}

/// What the template of a text sees.
#[derive(Serialize)]
struct Opening<'a, C> {
    organisation: Organisation<'a>,
    #[serde(flatten)]
    own: C,
}

#[derive(Serialize)]
struct Organisation<'a> {
    name: &'a str,
}

/// Somebody who is signed in, and where this person may go.
#[derive(Serialize)]
struct Person<'a> {
    name: Option<&'a str>,
    address: String,
    is_guest: bool,
    may_invite: bool,
    may_administer: bool,
    /// The hidden field of the form that signs out.
    form: &'a str,
}

#[derive(Serialize)]
struct Wrong {
    status: u16,
}

/// A page that has nothing to say of its own.
#[derive(Debug, Serialize)]
pub struct Plain {}

impl Pages {
    /// Pages in the name of this organisation, for the people of these sessions.
    #[must_use]
    pub fn new(shelf: Shelf, organisation: &str, sessions: Sessions) -> Self {
        Self { shelf, organisation: organisation.into(), sessions }
    }

    /// The page `page/NAME.html`, for [`Pages::framed`] to fill in.
    pub fn page<C: Serialize>(&self, status: StatusCode, name: &str, own: C) -> Response {
        match serde_json::to_value(own) {
            Ok(names) => {
                let mut response = status.into_response();
                response.extensions_mut().insert(Draft { template: format!("page/{name}.html"), names });
                response
            }
            // Without a draft: the page for errors takes its place.
            Err(fault) => {
                error!(%fault, page = name, "a page could not be made");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// The finished response: a page that waits for its frame is filled in, and what went wrong without a page gets
    /// the page for errors. What the headers say is kept.
    pub(super) fn framed(&self, asker: &Asker, mut response: Response) -> Response {
        let draft = response.extensions_mut().remove::<Draft>();
        let status = response.status();
        if let Some(draft) = draft {
            return match self.rendered(asker, &draft) {
                Some(page) => filled(response, page),
                None => self.wrong(asker, StatusCode::INTERNAL_SERVER_ERROR),
            };
        }
        let is_page = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if is_page || !(status.is_client_error() || status.is_server_error()) {
            return response;
        }
        let mut page = self.wrong(asker, status);
        for name in [ALLOW, RETRY_AFTER] {
            if let Some(value) = response.headers().get(&name) {
                page.headers_mut().insert(name, value.clone());
            }
        }
        page
    }

    /// The text `mail/NAME/body.txt`, for a field that a person goes on writing in; empty where it cannot be made.
    pub fn opening<C: Serialize>(&self, name: &str, own: C) -> String {
        let whole = Opening { organisation: Organisation { name: &self.organisation }, own };
        let rendered = self.shelf.current().render(&format!("mail/{name}/body.txt"), &whole);
        rendered.inspect_err(|fault| error!(%fault, "a text could not be made")).unwrap_or_default()
    }

    /// The text of a file that is served as it is.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<String> {
        self.shelf.current().text(name).map(ToOwned::to_owned)
    }

    /// The page for what went wrong.
    fn wrong(&self, asker: &Asker, status: StatusCode) -> Response {
        let names = serde_json::to_value(Wrong { status: status.as_u16() }).unwrap_or_default();
        match self.rendered(asker, &Draft { template: "page/error.html".to_owned(), names }) {
            Some(page) => filled(status.into_response(), page),
            None => (status, LAST_WORDS).into_response(),
        }
    }

    fn rendered(&self, asker: &Asker, draft: &Draft) -> Option<String> {
        let found = self.signed_in(asker);
        let whole = Whole {
            organisation: Organisation { name: &self.organisation },
            person: found.as_ref().map(|(session, account)| Person::of(session, account)),
            here: asker.here,
            own: &draft.names,
        };
        let rendered = self.shelf.current().render(&draft.template, &whole);
        rendered.map_err(|fault| error!(%fault, "a page could not be made")).ok()
    }

    /// Looked up when the answer stands: who has just signed out or is locked is shown as nobody.
    fn signed_in(&self, asker: &Asker) -> Option<(Session, Account)> {
        let found = self.sessions.find(asker.session.as_ref()?);
        found.map_err(|fault| error!(%fault, "reading a session for a page")).ok().flatten()
    }
}

impl Asker {
    /// Who asks for which place.
    #[must_use]
    pub fn of(headers: &HeaderMap, path: &str) -> Self {
        let leads_to = |place: &&str| {
            path.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Self {
            session: Name::Session.read(headers),
            here: PLACES.into_iter().find(|place| leads_to(place)).unwrap_or_default(),
        }
    }
}

impl<'a> Person<'a> {
    fn of(session: &'a Session, account: &'a Account) -> Self {
        let is_staff = account.kind == Kind::Staff;
        Self {
            name: account.mailbox.name.as_deref(),
            address: account.mailbox.address.to_string(),
            is_guest: account.kind == Kind::Guest,
            may_invite: is_staff && account.rights.invite,
            may_administer: is_staff && account.rights.admin,
            form: &session.csrf,
        }
    }
}

/// The response with this page as its body.
fn filled(response: Response, page: String) -> Response {
    let (mut head, _) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(head, page.into())
}

/// Adds the headers that are not there yet.
pub fn fortify(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A size as people read it: `1.2 MiB`.
#[must_use]
pub fn octets(octets: u64) -> String {
    let (unit, name) = match octets {
        0..1024 => return format!("{octets} octets"),
        1024..1_048_576 => (1024, "KiB"),
        1_048_576..1_073_741_824 => (1_048_576, "MiB"),
        _ => (1_073_741_824, "GiB"),
    };
    match (octets / unit, octets % unit * 10 / unit) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
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

    #[test]
    fn a_size_has_its_unit() {
        for (size, words) in [(7, "7 octets"), (1536, "1.5 KiB"), (50 << 20, "50 MiB"), (5 << 29, "2.5 GiB")]
        {
            assert_eq!(octets(size), words);
        }
    }

    #[test]
    fn one_is_at_the_nearest_place_of_the_navigation() {
        let here = |path| Asker::of(&HeaderMap::new(), path).here;
        assert_eq!(here("/dropoff"), "/dropoff");
        assert_eq!(here("/dropoff/sent"), "/dropoff/sent");
        assert_eq!(here("/received/0123/files"), "/received");
        assert_eq!(here("/invitations"), "/invitations");
        assert_eq!(here("/receivedly"), "");
        assert_eq!(here("/"), "");
    }
}
