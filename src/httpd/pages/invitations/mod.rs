//! `/invitations`: what a staff member has sent, and how it stands.

pub mod one;

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::httpd::page::Pages;
use crate::httpd::permit::Staff;
use crate::httpd::router::Parts;
use crate::invites::{Invitation, Stage};
use crate::tending::mine::Search;
use crate::tending::renewal::Renewals;

/// What the address says behind the question mark. What cannot be read is as if it were not there.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    search: String,
    #[serde(default)]
    before: String,
}

/// The names of `page/invitations.html`.
#[derive(Serialize)]
struct List<'a> {
    invitations: Vec<Line<'a>>,
    states: [&'static str; 7],
    state: &'a str,
    search: &'a str,
    /// The same in an address.
    search_encoded: String,
    /// Whether this is not the first page.
    is_later: bool,
    /// Where the next page begins.
    next: Option<InvitationId>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: InvitationId,
    invitee: &'a Mailbox,
    subject: &'a str,
    state: &'static str,
    created: String,
}

/// `/invitations` and what lies below it.
pub fn routes() -> Router<Parts> {
    Router::new().route("/invitations", get(list)).merge(one::routes())
}

async fn list(
    staff: Staff,
    Query(asked): Query<Asked>,
    pages: Pages,
    State(renewals): State<Renewals>,
) -> Response {
    let tending = renewals.tending();
    let search = Search { stage: asked.state.parse().ok(), words: asked.search.clone() };
    let before = asked.before.parse().ok();
    let mine = match tending.mine(&staff.account, &search, before) {
        Ok(mine) => mine,
        Err(fault) => {
            error!(%fault, "listing invitations");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let now = tending.now();
    let names = List {
        invitations: mine.invitations.iter().map(|invitation| Line::of(invitation, now, &pages)).collect(),
        states: Stage::ALL.map(Stage::word),
        state: search.stage.map(Stage::word).unwrap_or_default(),
        search: &asked.search,
        search_encoded: encoded(&asked.search),
        is_later: before.is_some(),
        next: mine.next,
    };
    pages.page(StatusCode::OK, "invitations", names)
}

impl<'a> Line<'a> {
    fn of(invitation: &'a Invitation, now: Timestamp, pages: &Pages) -> Self {
        Self {
            id: invitation.id,
            invitee: &invitation.invitee,
            subject: &invitation.subject,
            state: invitation.stage(now).word(),
            created: pages.moment(invitation.created),
        }
    }
}

/// As a value in an address (WHATWG URL §5.2): all but letters, digits and a few marks as their octets.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{octet:02X}");
        }
    }
    encoded
}
