//! `/invitations`: what a staff member has sent, and how it stands; `/admin/invitations`: the same of everybody, for
//! administrators.

pub mod one;

use std::fmt::Write as _;
use std::ops::Deref;

use axum::Router;
use axum::extract::{FromRequestParts, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::httpd::page::Pages;
use crate::httpd::permit::{Admin, FormToken, Person, Staff};
use crate::httpd::router::Parts;
use crate::intake::sorting::Whom;
use crate::invites::{Invitation, Stage};
use crate::store::StoreFault;
use crate::tending::Tending;
use crate::tending::mine::{Mine, Search};
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

/// On whose word invitations are looked at and changed: the inviter's own, or an administrator's.
pub trait Tender:
    FromRequestParts<Parts, Rejection = Response> + FormToken + Deref<Target = Person> + Send + Sync + 'static
{
    /// Where the pages are.
    const PLACE: &'static str;
    /// As the audit log calls this person.
    const WORD: &'static str;
    /// Whether the invitations of everybody are there.
    const IS_FOR_ALL: bool;

    /// Whether links of this invitation may be sent and given more time on this word.
    fn may_send(&self, invitation: &Invitation) -> bool;

    /// Whether this invitation is there for this person; if not, it is as one that never was.
    fn may_see(&self, invitation: &Invitation) -> bool;

    /// A page of those that are.
    ///
    /// # Errors
    /// Where the store failed.
    fn find(
        &self,
        tending: &Tending,
        search: &Search,
        before: Option<InvitationId>,
    ) -> Result<Mine, StoreFault>;
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
    /// Where this page is.
    place: &'static str,
    /// Whether they are everybody's.
    is_for_all: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    id: InvitationId,
    inviter: &'a Mailbox,
    invitee: &'a Mailbox,
    subject: &'a str,
    state: &'static str,
    created: String,
}

/// The list and what lies below it.
pub fn routes<T: Tender>() -> Router<Parts> {
    Router::new().route(T::PLACE, get(list::<T>)).merge(one::routes::<T>())
}

async fn list<T: Tender>(
    by: T,
    Query(asked): Query<Asked>,
    pages: Pages,
    State(renewals): State<Renewals>,
) -> Response {
    let tending = renewals.tending();
    let search = Search { stage: asked.state.parse().ok(), words: asked.search.clone() };
    let before = asked.before.parse().ok();
    let mine = match by.find(tending, &search, before) {
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
        place: T::PLACE,
        is_for_all: T::IS_FOR_ALL,
    };
    pages.page(StatusCode::OK, "invitations", names)
}

impl<'a> Line<'a> {
    fn of(invitation: &'a Invitation, now: Timestamp, pages: &Pages) -> Self {
        Self {
            id: invitation.id,
            inviter: &invitation.inviter,
            invitee: &invitation.invitee,
            subject: &invitation.subject,
            state: invitation.stage(now).word(),
            created: pages.moment(invitation.created),
        }
    }
}

impl Tender for Staff {
    const PLACE: &'static str = "/invitations";
    const WORD: &'static str = "inviter";
    const IS_FOR_ALL: bool = false;

    fn may_send(&self, invitation: &Invitation) -> bool {
        Whom::of(invitation).is_open_to(self.account.rights)
    }

    fn may_see(&self, invitation: &Invitation) -> bool {
        self.account.owns(&invitation.inviter.address)
    }

    fn find(
        &self,
        tending: &Tending,
        search: &Search,
        before: Option<InvitationId>,
    ) -> Result<Mine, StoreFault> {
        tending.mine(&self.account, search, before)
    }
}

impl Tender for Admin {
    const PLACE: &'static str = "/admin/invitations";
    const WORD: &'static str = "administrator";
    const IS_FOR_ALL: bool = true;

    fn may_send(&self, _: &Invitation) -> bool {
        true
    }

    fn may_see(&self, _: &Invitation) -> bool {
        true
    }

    fn find(
        &self,
        tending: &Tending,
        search: &Search,
        before: Option<InvitationId>,
    ) -> Result<Mine, StoreFault> {
        tending.everybodys(search, before)
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
