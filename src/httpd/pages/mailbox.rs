//! The demo's mailbox, for whoever has its address: the mail that would have been delivered, rendered and as it is.

use axum::extract::{FromRequestParts, Path};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, RequestPartsExt, Router};
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::request::Parts as Head;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::base::address::Address;
use crate::base::secret::{Token, TokenHash};
use crate::delivery::mailbox::{Letter, Mailbox};
use crate::httpd::page::Pages;
use crate::httpd::pages::letter::{Attachment, Reading, source};
use crate::httpd::router::Parts;

/// The frame in which a stranger's HTML is shown: styles and pictures of its own, no script, no form, no origin.
/// Its links work, in the whole window, where a person presses them.
const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                            frame-ancestors 'self'; base-uri 'none'; \
                            sandbox allow-top-navigation-by-user-activation";
/// The page around it may hold that frame, and is else as strict as all.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                           frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The mailbox, and the word in its address.
#[derive(Clone)]
pub struct Demo {
    mailbox: Mailbox,
    word: TokenHash,
}

/// Somebody who knows the word. Without it there is no such page.
struct Reader {
    mailbox: Mailbox,
    /// The address of the list.
    path: String,
}

/// One line of the list, for people and for scripts.
#[derive(Serialize)]
struct Line {
    id: u64,
    to: Vec<String>,
    subject: String,
    from: Option<String>,
    at: String,
}

/// The names of `page/mailbox.html`.
#[derive(Serialize)]
struct List {
    mailbox: String,
    letters: Vec<Line>,
}

/// The names of `page/letter.html`.
#[derive(Serialize)]
struct Shown {
    mailbox: String,
    id: u64,
    view: View,
    has_html: bool,
    from: String,
    to: String,
    cc: Option<String>,
    envelope: Vec<String>,
    subject: String,
    at: String,
    text: String,
    attachments: Vec<Attachment>,
}

/// How a mail is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum View {
    /// In its frame.
    Html,
    /// The plain text.
    Text,
    /// As it is.
    Source,
}

impl Demo {
    /// The mailbox is at `/mailbox/WORD`.
    #[must_use]
    pub fn new(mailbox: Mailbox, word: &Token) -> Self {
        Self { mailbox, word: word.hash() }
    }
}

/// `/mailbox/WORD`, `…/ID`, `…/ID.eml`, `…/ID/html`, `…/ID/text`, `…/ID/source`.
pub fn routes(demo: Demo) -> Router<Parts> {
    Router::new()
        .route("/mailbox/{word}", get(list))
        .route("/mailbox/{word}/{letter}", get(show))
        .route("/mailbox/{word}/{letter}/html", get(frame))
        .route("/mailbox/{word}/{letter}/{view}", get(view))
        .layer(Extension(demo))
}

async fn list(reader: Reader, pages: Pages, headers: HeaderMap) -> Response {
    let letters: Vec<Line> = reader.mailbox.list().iter().map(|letter| Line::of(letter, &pages)).collect();
    if wants_json(&headers) {
        Json(letters).into_response()
    } else {
        pages.page(StatusCode::OK, "mailbox", List { mailbox: reader.path, letters })
    }
}

/// `ID.eml` is the mail as the next hop got it; `ID` is the page around it.
async fn show(reader: Reader, Path((_, name)): Path<(String, String)>, pages: Pages) -> Response {
    match name.strip_suffix(".eml") {
        Some(id) => reader.letter(id).map_or_else(IntoResponse::into_response, |letter| as_it_is(&letter)),
        None => page(&reader, &name, None, &pages),
    }
}

async fn view(reader: Reader, Path((_, id, view)): Path<(String, String, String)>, pages: Pages) -> Response {
    match view.as_str() {
        "text" => page(&reader, &id, Some(View::Text), &pages),
        "source" => page(&reader, &id, Some(View::Source), &pages),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn frame(reader: Reader, Path((_, id)): Path<(String, String)>) -> Response {
    match reader.letter(&id).map(|letter| Reading::of(&letter.octets).html) {
        Ok(Some(html)) => ([(CONTENT_SECURITY_POLICY, FRAME_POLICY)], Html(html)).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(status) => status.into_response(),
    }
}

fn as_it_is(letter: &Letter) -> Response {
    let headers = [
        (CONTENT_TYPE, "message/rfc822".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", letter.id)),
    ];
    (headers, letter.octets.clone()).into_response()
}

fn page(reader: &Reader, id: &str, view: Option<View>, pages: &Pages) -> Response {
    let letter = match reader.letter(id) {
        Ok(letter) => letter,
        Err(status) => return status.into_response(),
    };
    let reading = Reading::of(&letter.octets);
    let has_html = reading.html.is_some();
    let view = view.unwrap_or(if has_html { View::Html } else { View::Text });
    let shown = Shown {
        mailbox: reader.path.clone(),
        id: letter.id,
        view,
        has_html,
        from: reading.from,
        to: reading.to,
        cc: reading.cc,
        envelope: letter.to.iter().map(Address::to_string).collect(),
        subject: reading.subject,
        at: pages.moment(letter.at),
        text: if view == View::Source { source(&letter.octets) } else { reading.text },
        attachments: reading.attachments,
    };
    ([(CONTENT_SECURITY_POLICY, PAGE_POLICY)], pages.page(StatusCode::OK, "letter", shown)).into_response()
}

/// Whether a script asks, not a browser.
fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

impl Line {
    fn of(letter: &Letter, pages: &Pages) -> Self {
        Self {
            id: letter.id,
            to: letter.to.iter().map(Address::to_string).collect(),
            subject: Reading::of(&letter.octets).subject,
            from: letter.from.address().map(Address::to_string),
            at: pages.moment(letter.at),
        }
    }
}

impl Reader {
    fn letter(&self, id: &str) -> Result<Letter, StatusCode> {
        id.parse().ok().and_then(|id| self.mailbox.letter(id)).ok_or(StatusCode::NOT_FOUND)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = StatusCode;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, StatusCode> {
        let word = head.uri.path().split('/').nth(2).and_then(Token::parse).ok_or(StatusCode::NOT_FOUND)?;
        let Extension(demo) = head.extract::<Extension<Demo>>().await.map_err(|_| StatusCode::NOT_FOUND)?;
        if word.hash() != demo.word {
            return Err(StatusCode::NOT_FOUND);
        }
        Ok(Self { mailbox: demo.mailbox, path: format!("/mailbox/{}", word.reveal()) })
    }
}
