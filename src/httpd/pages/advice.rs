//! What a password is worth, said while it is being typed: for the script of the pages where one is chosen.
//!
//! Nothing is kept of what was typed, and nothing is decided: the form is judged again when it is sent, and by more where the
//! page does not tell it (the page of a reset has no name, which is the account's affair). An answer comes at once or not at all, so that whoever types never keeps others from signing in.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::auth::password::PasswordFault;
use crate::base::secret::Secret;
use crate::httpd::form::Form;
use crate::httpd::page::{Pages, for_programs};
use crate::httpd::permit::{Person, Visitor};
use crate::httpd::router::Parts;
use crate::upkeep::Upkeep;

/// What somebody who is not signed in types. A password may not be made of address and name.
#[derive(Debug, Deserialize)]
struct Typed {
    password: Secret,
    #[serde(default)]
    address: String,
    #[serde(default)]
    name: String,
}

/// What somebody who is signed in types.
#[derive(Debug, Deserialize)]
struct New {
    password: Secret,
}

#[derive(Serialize)]
struct Advice {
    /// What is wrong and what to do; none if it is good.
    fault: Option<String>,
}

/// `/password-advice`, and the same for those who are signed in.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/password-advice", post(for_visitor))
        .route("/account/password-advice", post(for_person))
}

async fn for_visitor(
    pages: Pages,
    State(upkeep): State<Upkeep>,
    Form { fields, .. }: Form<Visitor, Typed>,
) -> Response {
    said(&pages, upkeep.advice(&fields.password, &fields.address, &fields.name).await)
}

async fn for_person(
    pages: Pages,
    State(upkeep): State<Upkeep>,
    Form { by: person, fields }: Form<Person, New>,
) -> Response {
    let mailbox = &person.account.mailbox;
    said(&pages, upkeep.advice(&fields.password, &mailbox.address.to_string(), &mailbox.label()).await)
}

fn said(pages: &Pages, judged: Option<Result<(), PasswordFault>>) -> Response {
    for_programs(match judged {
        Some(judged) => {
            Json(Advice { fault: judged.err().map(|fault| pages.say(&fault.phrase())) }).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    })
}
