//! `/account`: what people change about their own accounts.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::accounts::Kind;
use crate::base::language::Language;
use crate::base::secret::Secret;
use crate::httpd::cookie::Name;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::permit::{FormToken, Person, Visitor};
use crate::httpd::router::Parts;
use crate::upkeep::{Upkeep, UpkeepFault};

/// What is typed into the form for another name.
#[derive(Debug, Deserialize)]
struct Renaming {
    name: String,
}

/// What is typed into the form for another password.
#[derive(Debug, Deserialize)]
struct Changing {
    password: Secret,
    new: Secret,
}

/// What is chosen in the form for another language: a code, or nothing.
#[derive(Debug, Deserialize)]
struct Choosing {
    language: String,
}

/// What is typed into the last form.
#[derive(Debug, Deserialize)]
struct Leaving {
    password: Secret,
}

/// The names of `page/account.html`.
#[derive(Serialize)]
struct Shown<'a> {
    address: String,
    name: &'a str,
    has_password: bool,
    may_leave: bool,
    /// The code of the chosen one; empty where none is.
    language_chosen: String,
    /// The codes of those there are.
    languages: Vec<String>,
    sessions: Vec<Row>,
    /// `name`, `password`, `language` or `sessions`.
    done: Option<&'a str>,
    faults: &'a Faults,
    form: &'a str,
}

#[derive(Serialize)]
struct Row {
    is_this: bool,
    started: String,
}

/// What stands beside the fields.
#[derive(Default, Serialize)]
struct Faults {
    name: Option<String>,
    password: Option<String>,
    new: Option<String>,
    farewell: Option<String>,
}

/// The names of `page/farewell.html`.
#[derive(Serialize)]
struct Farewell {
    address: String,
}

/// `/account` and what is below it.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/account", get(show))
        .route("/account/name", post(rename).get(back))
        .route("/account/password", post(change).get(back))
        .route("/account/language", post(choose).get(back))
        .route("/account/sign-out-everywhere", post(end).get(back))
        .route("/account/delete", post(leave).get(back))
}

/// The pages behind the forms have addresses that a browser may load again.
async fn back() -> Redirect {
    Redirect::to("/account")
}

async fn show(
    person: Person,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(upkeep): State<Upkeep>,
) -> Response {
    let done =
        ["name", "password", "language", "sessions"].into_iter().find(|done| query.as_deref() == Some(*done));
    page(&pages, &upkeep, &person, None, done, &Faults::default())
}

async fn rename(
    visitor: Visitor,
    pages: Pages,
    State(upkeep): State<Upkeep>,
    Form { by: person, fields }: Form<Person, Renaming>,
) -> Response {
    let fault = match upkeep.rename(person.account.id, &fields.name, visitor.peer).await {
        Ok(()) => return Redirect::to("/account?name").into_response(),
        Err(UpkeepFault::Internal) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(fault) => Some(pages.say(&fault.phrase())),
    };
    page(&pages, &upkeep, &person, Some(&fields.name), None, &Faults { name: fault, ..Faults::default() })
}

async fn change(
    visitor: Visitor,
    pages: Pages,
    State(upkeep): State<Upkeep>,
    Form { by: person, fields }: Form<Person, Changing>,
) -> Response {
    let (account, kept) = (person.account.id, person.session());
    let changed = upkeep.change_password(account, kept, &fields.password, &fields.new, visitor.peer).await;
    let faults = match changed {
        Ok(()) => return Redirect::to("/account?password").into_response(),
        Err(UpkeepFault::Internal) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(fault @ UpkeepFault::Password(_)) => {
            Faults { new: Some(pages.say(&fault.phrase())), ..Faults::default() }
        }
        Err(fault) => Faults { password: Some(pages.say(&fault.phrase())), ..Faults::default() },
    };
    page(&pages, &upkeep, &person, None, None, &faults)
}

/// A language that there are no texts in is none.
async fn choose(
    visitor: Visitor,
    pages: Pages,
    State(upkeep): State<Upkeep>,
    Form { by: person, fields }: Form<Person, Choosing>,
) -> Response {
    let language = pages.languages().into_iter().find(|one| *one == fields.language);
    let language = language.and_then(|code| Language::parse(&code));
    match upkeep.choose_language(person.account.id, language, visitor.peer).await {
        Ok(()) => Redirect::to("/account?language").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn end(
    visitor: Visitor,
    State(upkeep): State<Upkeep>,
    Form { by: person, fields: Button {} }: Form<Person, Button>,
) -> Response {
    match upkeep.end_sessions(person.account.id, person.session(), visitor.peer).await {
        Ok(()) => Redirect::to("/account?sessions").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn leave(
    visitor: Visitor,
    pages: Pages,
    State(upkeep): State<Upkeep>,
    Form { by: person, fields }: Form<Person, Leaving>,
) -> Response {
    let fault = match upkeep.delete(person.account.id, &fields.password, visitor.peer).await {
        Ok(account) => {
            let names = Farewell { address: account.mailbox.address.to_string() };
            return (Name::Session.take(), pages.page(StatusCode::OK, "farewell", names)).into_response();
        }
        Err(UpkeepFault::Internal) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(fault) => Some(pages.say(&fault.phrase())),
    };
    page(&pages, &upkeep, &person, None, None, &Faults { farewell: fault, ..Faults::default() })
}

fn page(
    pages: &Pages,
    upkeep: &Upkeep,
    person: &Person,
    typed: Option<&str>,
    done: Option<&str>,
    faults: &Faults,
) -> Response {
    let account = &person.account;
    let sessions = match upkeep.sessions(account.id) {
        Ok(sessions) => sessions,
        Err(fault) => {
            error!(%fault, "listing sessions");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let row = |(hash, session): (_, crate::accounts::Session)| Row {
        is_this: hash == *person.session(),
        started: pages.moment(session.started),
    };
    let has_password = account.credential.password().is_some();
    let names = Shown {
        address: account.mailbox.address.to_string(),
        name: typed.or(account.mailbox.name.as_deref()).unwrap_or_default(),
        has_password,
        may_leave: has_password && account.kind == Kind::Guest,
        language_chosen: account.language.map(String::from).unwrap_or_default(),
        languages: pages.languages(),
        sessions: sessions.into_iter().map(row).collect(),
        done,
        faults,
        form: person.form_token(),
    };
    let is_fine = [&faults.name, &faults.password, &faults.new, &faults.farewell].iter().all(|f| f.is_none());
    let status = if is_fine { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    pages.page(status, "account", names)
}
