//! `/admin/switches`: the settings that are changed while the service runs, and what the file says.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::permit::{Admin, FormToken};
use crate::httpd::router::Parts;
use crate::switches::{Hand, Standing, Switch, SwitchFault, Switchboard};

/// The names of `page/switches.html`.
#[derive(Serialize)]
struct List<'a> {
    switches: Vec<Line>,
    /// Days that a link may be valid at least, and at most.
    shortest: u32,
    longest: u32,
    /// What was typed as days and cannot be.
    typed: Option<&'a str>,
    /// Whether something was changed just now.
    done: bool,
    form: &'a str,
}

/// Values are `true` or `false`, `always` or `asked`, or a number of days.
#[derive(Serialize)]
struct Line {
    key: &'static str,
    value: String,
    file: String,
    set: Option<SetHere>,
}

#[derive(Serialize)]
struct SetHere {
    /// Nothing where it was the command line.
    by: Option<String>,
    at: String,
}

/// What is chosen or typed.
#[derive(Debug, Deserialize)]
struct Chosen {
    value: String,
}

/// `/admin/switches` and its buttons.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/admin/switches", get(show))
        .route("/admin/switches/{key}/set", post(set))
        .route("/admin/switches/{key}/reset", post(reset))
}

async fn show(
    admin: Admin,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(switches): State<Switchboard>,
) -> Response {
    page(&pages, &admin, &switches, None, query.as_deref() == Some("done"))
}

async fn set(
    Path(key): Path<String>,
    pages: Pages,
    State(switches): State<Switchboard>,
    Form { by: admin, fields }: Form<Admin, Chosen>,
) -> Response {
    let Ok(switch) = Switch::of(&key) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let typed = fields.value.trim();
    let value = if switch == Switch::Lifespan { format!("{typed} days") } else { typed.to_owned() };
    match switches.set(switch, &value, hand(&admin)).await {
        Err(SwitchFault::Value(_)) if switch == Switch::Lifespan => {
            page(&pages, &admin, &switches, Some(typed), false)
        }
        changed => changed_to(changed),
    }
}

async fn reset(
    Path(key): Path<String>,
    State(switches): State<Switchboard>,
    Form { by: admin, .. }: Form<Admin, Button>,
) -> Response {
    let Ok(switch) = Switch::of(&key) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    changed_to(switches.give_back(switch, hand(&admin)).await)
}

fn hand(admin: &Admin) -> Hand<'_> {
    Hand { by: Some(&admin.account.mailbox.address), peer: Some(admin.peer) }
}

/// Back to the page, so that loading it again does nothing.
fn changed_to(changed: Result<(), SwitchFault>) -> Response {
    match changed {
        Ok(()) => Redirect::to("/admin/switches?done").into_response(),
        // None of our buttons says this.
        Err(SwitchFault::Value(_)) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        Err(fault) => {
            error!(%fault, "changing a switch");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn page(pages: &Pages, admin: &Admin, switches: &Switchboard, typed: Option<&str>, done: bool) -> Response {
    let names = List {
        switches: switches.list().into_iter().map(|standing| Line::of(standing, pages)).collect(),
        shortest: switches.lifespans().start().in_days(),
        longest: switches.lifespans().end().in_days(),
        typed,
        done,
        form: admin.form_token(),
    };
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    pages.page(status, "switches", names)
}

impl Line {
    fn of(standing: Standing, pages: &Pages) -> Self {
        let Standing { switch, value, file, set } = standing;
        // The page says "days" in its own language.
        let shown = |value: String| match switch {
            Switch::Lifespan => value.split(' ').next().unwrap_or_default().to_owned(),
            _ => value,
        };
        let set = set.map(|set| SetHere { by: set.by.map(|by| by.to_string()), at: pages.moment(set.at) });
        Self { key: switch.key(), value: shown(value), file: shown(file), set }
    }
}
