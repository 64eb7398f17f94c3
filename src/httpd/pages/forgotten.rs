//! `/forgotten`: the question for a new password. `/reset/WORD`: the page behind the link of its mail.
//!
//! The answer to the question is the same, and comes as soon, whether or not there is such an account.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::auth::too_often;
use crate::base::address::Address;
use crate::base::phrase::phrase;
use crate::base::secret::Secret;
use crate::httpd::form::Form;
use crate::httpd::page::Pages;
use crate::httpd::pages::activate::hash;
use crate::httpd::permit::{FormToken, Visitor};
use crate::httpd::router::Parts;
use crate::upkeep::UpkeepFault;
use crate::upkeep::forgotten::{Forgotten, QuestionFault};

/// What is typed into the first form.
#[derive(Debug, Deserialize)]
struct Asked {
    address: String,
}

/// What is typed into the second.
#[derive(Debug, Deserialize)]
struct Chosen {
    password: Secret,
}

/// The names of `page/forgotten.html`.
#[derive(Serialize)]
struct Question<'a> {
    address: &'a str,
    sent: bool,
    fault: Option<String>,
    form: &'a str,
}

/// The names of `page/reset.html`.
#[derive(Serialize)]
struct Reset<'a> {
    address: Option<String>,
    /// `open`, `done` or `old`.
    outcome: &'a str,
    fault: Option<String>,
    form: &'a str,
}

/// `/forgotten` and `/reset/WORD`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/forgotten", get(show).post(ask)).route("/reset/{word}", get(look).post(set))
}

async fn show(visitor: Visitor, pages: Pages) -> Response {
    let names = Question { address: "", sent: false, fault: None, form: visitor.form_token() };
    (visitor.cookie(), pages.page(StatusCode::OK, "forgotten", names)).into_response()
}

async fn ask(
    pages: Pages,
    State(forgotten): State<Forgotten>,
    Form { by: visitor, fields }: Form<Visitor, Asked>,
) -> Response {
    let typed = fields.address.trim();
    let question = |status, sent, fault| {
        let names = Question { address: typed, sent, fault, form: visitor.form_token() };
        pages.page(status, "forgotten", names)
    };
    let Ok(address) = Address::parse(typed) else {
        let fault =
            phrase!("Please enter the address that you sign in with, for example kim@partner.example.");
        return question(StatusCode::UNPROCESSABLE_ENTITY, false, Some(pages.say(&fault)));
    };
    match forgotten.ask(address, visitor.peer) {
        Ok(()) => question(StatusCode::OK, true, None),
        Err(QuestionFault::Throttled(wait)) => {
            let page = question(StatusCode::TOO_MANY_REQUESTS, false, Some(pages.say(&too_often(wait))));
            ([(RETRY_AFTER, wait.as_secs().max(1).to_string())], page).into_response()
        }
        Err(QuestionFault::Busy) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn look(
    visitor: Visitor,
    Path(word): Path<String>,
    pages: Pages,
    State(forgotten): State<Forgotten>,
) -> Response {
    let page = form(&pages, &visitor, &forgotten, &word, None);
    (visitor.cookie(), page).into_response()
}

async fn set(
    Path(word): Path<String>,
    pages: Pages,
    State(forgotten): State<Forgotten>,
    Form { by: visitor, fields }: Form<Visitor, Chosen>,
) -> Response {
    let Some(link) = hash(&word) else {
        return form(&pages, &visitor, &forgotten, &word, None);
    };
    match forgotten.reset(&link, &fields.password, visitor.peer).await {
        Ok(()) => {
            let names = Reset { address: None, outcome: "done", fault: None, form: "" };
            pages.page(StatusCode::OK, "reset", names)
        }
        Err(UpkeepFault::Internal) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(UpkeepFault::Password(fault)) => {
            form(&pages, &visitor, &forgotten, &word, Some(pages.say(&fault.phrase())))
        }
        Err(_) => form(&pages, &visitor, &forgotten, &word, None),
    }
}

/// The form, or that there is none any more.
fn form(
    pages: &Pages,
    visitor: &Visitor,
    forgotten: &Forgotten,
    word: &str,
    fault: Option<String>,
) -> Response {
    let person = match hash(word).map_or(Ok(None), |word| forgotten.look(&word)) {
        Ok(person) => person,
        Err(fault) => {
            error!(%fault, "looking at a link for a new password");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let (status, outcome) = match (&person, &fault) {
        (None, _) => (StatusCode::GONE, "old"),
        (Some(_), None) => (StatusCode::OK, "open"),
        (Some(_), Some(_)) => (StatusCode::UNPROCESSABLE_ENTITY, "open"),
    };
    let address = person.map(|person| person.address.to_string());
    pages.page(status, "reset", Reset { address, outcome, fault, form: visitor.form_token() })
}
