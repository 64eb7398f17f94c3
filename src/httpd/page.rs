//! Pages: a template filled in, with its status; and the headers that every answer carries.
//!
//! A handler says which page it is and what stands on it, and no more: the page is filled in by the outermost layer of
//! the router, which knows who asks. So every page has its frame (the organisation, who is signed in, where that person
//! may go) and is in its reader's language, and no handler can forget it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::error;

use crate::accounts::{Account, Kind, Session};
use crate::base::clock::Timestamp;
use crate::base::language::Language;
use crate::base::phrase::Phrase;
use crate::base::secret::Token;
use crate::config;
use crate::httpd::cookie::Name;
use crate::httpd::reader;
use crate::httpd::session::Sessions;
use crate::invites::Invitation;
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
const PLACES: [&str; 10] = [
    "/dropoff/sent",
    "/dropoff",
    "/account",
    "/invitations",
    "/invite",
    "/received",
    "/guests",
    "/admin/switches",
    "/admin/people",
    "/admin",
];

/// Makes pages from the templates in force. A handler names it among its arguments; what it gets knows what the reader
/// reads: the account's language, the browser's, or the organisation's.
#[derive(Clone)]
pub struct Pages {
    shelf: Shelf,
    organisation: Arc<str>,
    sessions: Sessions,
    /// Where nothing else is known.
    default: Language,
    /// The reader's own choice, from the account.
    chosen: Option<Language>,
    /// What the browser likes best.
    preferred: Option<Language>,
}

/// What a request says about its page's frame.
#[derive(Debug)]
pub struct Asker {
    session: Option<Token>,
    here: &'static str,
}

/// Marks an answer that a program reads: no page takes its place, whatever its status says.
#[derive(Clone)]
struct ForPrograms;

/// A page that waits for its frame: travels with the response to the outermost layer.
#[derive(Clone)]
struct Draft {
    template: String,
    names: serde_json::Value,
    /// What is known of its reader's language.
    language: Option<Language>,
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
    pub fn new(shelf: Shelf, organisation: &config::Organisation, sessions: Sessions) -> Self {
        let (default, organisation) = (organisation.language, organisation.name.as_str().into());
        Self { shelf, organisation, sessions, default, chosen: None, preferred: None }
    }

    /// For whoever asks with these headers.
    #[must_use]
    pub fn asked_by(&self, headers: &HeaderMap) -> Self {
        let preferred = reader::preferred(headers, &self.shelf.current().languages());
        let account = self.signed_in(Name::Session.read(headers).as_ref()).map(|(_, account)| account);
        Self { chosen: account.and_then(|account| account.language), preferred, ..self.clone() }
    }

    /// For an invitee: where no account says otherwise, in the language that the inviter has chosen, if any.
    #[must_use]
    pub fn for_invitee(&self, invitation: &Invitation) -> Self {
        Self { chosen: self.chosen.or(invitation.language), ..self.clone() }
    }

    /// What the reader reads.
    #[must_use]
    pub fn language(&self) -> Language {
        self.known_language().unwrap_or(self.default)
    }

    fn known_language(&self) -> Option<Language> {
        self.chosen.or(self.preferred)
    }

    /// The codes of the languages in which there are texts.
    #[must_use]
    pub fn languages(&self) -> Vec<String> {
        self.shelf.current().languages().into_iter().map(String::from).collect()
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

    /// The page `page/NAME.html`, for [`Pages::framed`] to fill in.
    pub fn page<C: Serialize>(&self, status: StatusCode, name: &str, own: C) -> Response {
        match serde_json::to_value(own) {
            Ok(names) => {
                let mut response = status.into_response();
                let (template, language) = (format!("page/{name}.html"), self.known_language());
                response.extensions_mut().insert(Draft { template, names, language });
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
        let is_finished = response.extensions().get::<ForPrograms>().is_some();
        if is_finished || is_page || !(status.is_client_error() || status.is_server_error()) {
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
        let rendered = self.shelf.current().render(&format!("mail/{name}/body.txt"), self.language(), &whole);
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
        let draft = Draft { template: "page/error.html".to_owned(), names, language: None };
        match self.rendered(asker, &draft) {
            Some(page) => filled(status.into_response(), page),
            None => (status, LAST_WORDS).into_response(),
        }
    }

    fn rendered(&self, asker: &Asker, draft: &Draft) -> Option<String> {
        let found = self.signed_in(asker.session.as_ref());
        let whole = Whole {
            organisation: Organisation { name: &self.organisation },
            person: found.as_ref().map(|(session, account)| Person::of(session, account)),
            here: asker.here,
            own: &draft.names,
        };
        let language = draft.language.unwrap_or_else(|| self.language());
        let rendered = self.shelf.current().render(&draft.template, language, &whole);
        rendered.map_err(|fault| error!(%fault, "a page could not be made")).ok()
    }

    /// Looked up when the answer stands: who has just signed out or is locked is shown as nobody.
    fn signed_in(&self, session: Option<&Token>) -> Option<(Session, Account)> {
        let found = self.sessions.stored(session?);
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

/// The same answer, whose error is for a program to read and becomes no page.
#[must_use]
pub fn for_programs(mut response: Response) -> Response {
    response.extensions_mut().insert(ForPrograms);
    response
}

/// Words for a program and who looks over its shoulder.
#[must_use]
pub fn words(status: StatusCode, text: String) -> Response {
    for_programs((status, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

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
