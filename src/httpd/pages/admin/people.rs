//! `/admin/people`: who has an account, who may invite, and who may sign in.
//!
//! An administrator changes everybody but himself or herself: nobody is locked out by a slip.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::accounts::{Account, Kind, Rights};
use crate::base::id::AccountId;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::pages::invitations::encoded;
use crate::httpd::permit::{Admin, FormToken};
use crate::httpd::router::Parts;
use crate::roster::{Roster, RosterFault};

/// What the address says behind the question mark.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    search: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

/// The names of `page/people.html`.
#[derive(Serialize)]
struct List<'a> {
    people: Vec<Line<'a>>,
    search: &'a str,
    /// The same in an address.
    search_encoded: String,
    /// Whether this is not the first page.
    is_later: bool,
    /// Where the next page begins.
    next: Option<AccountId>,
    /// Whether something was changed just now.
    done: bool,
    form: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    id: AccountId,
    name: Option<&'a str>,
    address: String,
    is_guest: bool,
    rights: Rights,
    locked: bool,
    since: String,
    /// Whether it is the one who looks.
    is_self: bool,
}

/// `/admin` and `/admin/people`.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/admin", get(first))
        .route("/admin/people", get(list))
        .route("/admin/people/{id}/{deed}", post(change))
}

async fn first(_: Admin) -> Redirect {
    Redirect::to("/admin/people")
}

async fn list(
    admin: Admin,
    Query(asked): Query<Asked>,
    pages: Pages,
    State(roster): State<Roster>,
) -> Response {
    let after = asked.after.parse().ok();
    let people = match roster.people(&asked.search, after) {
        Ok(people) => people,
        Err(fault) => return failed(&fault),
    };
    let names = List {
        people: people.accounts.iter().map(|account| Line::of(account, admin.account.id, &pages)).collect(),
        search: &asked.search,
        search_encoded: encoded(&asked.search),
        is_later: after.is_some(),
        next: people.next,
        done: !asked.done.is_empty(),
        form: admin.form_token(),
    };
    pages.page(StatusCode::OK, "people", names)
}

async fn change(
    Path((id, deed)): Path<(String, String)>,
    State(roster): State<Roster>,
    Form { by: admin, .. }: Form<Admin, Button>,
) -> Response {
    let Ok(id) = AccountId::from_str(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if id == admin.account.id {
        return StatusCode::FORBIDDEN.into_response();
    }
    let address = match roster.person(id) {
        Ok(Some(account)) => account.mailbox.address,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(fault) => return failed(&fault),
    };
    let may_invite = |invite| move |rights| Rights { invite, ..rights };
    let may_invite_colleagues = |invite_internal| move |rights| Rights { invite_internal, ..rights };
    let changed = match deed.as_str() {
        "allow" => roster.set_rights(&address, may_invite(true)).await,
        "forbid" => roster.set_rights(&address, may_invite(false)).await,
        "allow-internal" => roster.set_rights(&address, may_invite_colleagues(true)).await,
        "forbid-internal" => roster.set_rights(&address, may_invite_colleagues(false)).await,
        "lock" => roster.lock(&address, true).await,
        "unlock" => roster.lock(&address, false).await,
        "end" => roster.remove(&address).await,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match changed {
        Ok(_) => Redirect::to(&format!("/admin/people?done=yes&search={}", encoded(&address.to_string())))
            .into_response(),
        Err(fault) => failed(&fault),
    }
}

fn failed(fault: &RosterFault) -> Response {
    let status = match fault {
        RosterFault::Nobody(_) => StatusCode::NOT_FOUND,
        RosterFault::Guest(_) => StatusCode::UNPROCESSABLE_ENTITY,
        RosterFault::Conflict => StatusCode::SERVICE_UNAVAILABLE,
        _ => {
            error!(%fault, "showing or changing an account");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    status.into_response()
}

impl<'a> Line<'a> {
    fn of(account: &'a Account, looks: AccountId, pages: &Pages) -> Self {
        Self {
            id: account.id,
            name: account.mailbox.name.as_deref(),
            address: account.mailbox.address.to_string(),
            is_guest: account.kind == Kind::Guest,
            rights: account.rights,
            locked: account.locked,
            since: pages.moment(account.created),
            is_self: account.id == looks,
        }
    }
}
