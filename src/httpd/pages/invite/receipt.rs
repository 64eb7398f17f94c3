//! `/invite/ID`: what a letter has become, for the person who wrote it.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::base::id::{InvitationId, MessageId};
use crate::base::mailbox::Mailbox;
use crate::base::size::Size;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::pages::invite::author;
use crate::httpd::permit::{FormToken, Person, Staff};
use crate::httpd::router::Parts;
use crate::intake::letters::Letters;
use crate::invites::receipt::Receipt;
use crate::tending::renewal::Renewals;

/// The names of `page/invited.html`.
#[derive(Serialize)]
struct Invited<'a> {
    id: String,
    subject: &'a str,
    invitees: Vec<Invitee<'a>>,
    courtesy: &'a [Mailbox],
    files: Vec<File<'a>>,
    until: String,
    days: u32,
    mailed: bool,
    form: &'a str,
}

#[derive(Serialize)]
struct Invitee<'a> {
    name: Option<&'a str>,
    address: String,
    has_account: bool,
    invitation: InvitationId,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    size: String,
}

/// `/invite/ID` and `/invite/ID/receipt`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/invite/{id}", get(show)).route("/invite/{id}/receipt", post(mail))
}

async fn show(
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(letters): State<Letters>,
) -> Response {
    let receipt = match own(&staff, &id, &letters) {
        Ok(receipt) => receipt,
        Err(status) => return status.into_response(),
    };
    let names = Invited {
        id: receipt.id.to_string(),
        subject: &receipt.subject,
        invitees: receipt
            .invitees
            .iter()
            .map(|invitee| Invitee {
                name: invitee.mailbox.name.as_deref(),
                address: invitee.mailbox.address.to_string(),
                has_account: invitee.has_account,
                invitation: invitee.invitation,
            })
            .collect(),
        courtesy: &receipt.courtesy,
        files: receipt
            .attachments
            .iter()
            .map(|file| File { name: &file.name, size: Size(file.octets).to_string() })
            .collect(),
        until: pages.moment(receipt.valid_until()),
        days: receipt.lifespan.in_days(),
        mailed: query.as_deref() == Some("mailed"),
        form: staff.form_token(),
    };
    pages.page(StatusCode::OK, "invited", names)
}

async fn mail(
    Path(id): Path<String>,
    State(letters): State<Letters>,
    State(renewals): State<Renewals>,
    Form { by: staff, .. }: Form<Staff, Button>,
) -> Response {
    let receipt = match own(&staff, &id, &letters) {
        Ok(receipt) => receipt,
        Err(status) => return status.into_response(),
    };
    match renewals.mail_receipt(&receipt).await {
        Ok(()) => Redirect::to(&format!("/invite/{}?mailed", receipt.id)).into_response(),
        Err(fault) => {
            error!(%fault, "sending a receipt");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// A receipt of this person's own; somebody else's is not there.
fn own(person: &Person, id: &str, letters: &Letters) -> Result<Receipt, StatusCode> {
    let id = MessageId::from_str(id).map_err(|_| StatusCode::NOT_FOUND)?;
    let receipt = letters.receipt(&author(person), id).map_err(|fault| {
        error!(%fault, "reading a receipt");
        StatusCode::SERVICE_UNAVAILABLE
    })?;
    receipt.ok_or(StatusCode::NOT_FOUND)
}
