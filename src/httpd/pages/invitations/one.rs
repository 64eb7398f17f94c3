//! `/invitations/ID`: one invitation with its way so far, and what its inviter can do about it.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::pages::invite::no_right;
use crate::httpd::permit::{FormToken, Person, Staff};
use crate::httpd::router::Parts;
use crate::invites::{Invitation, State as Progress};
use crate::tending::TendingFault;
use crate::tending::renewal::Renewals;

/// The names of `page/invitation.html`.
#[derive(Serialize)]
struct One<'a> {
    id: InvitationId,
    invitee: &'a Mailbox,
    subject: &'a str,
    state: &'static str,
    created: String,
    sent: Option<String>,
    /// The next hop's words; of a mail that could not be delivered, why.
    words: Option<&'a str>,
    /// When it was opened, accepted or withdrawn, or came back.
    changed: Option<String>,
    valid_until: Option<String>,
    renewed: Option<String>,
    /// Whether there is anything left to do about it.
    is_open: bool,
    /// What was done just now: `resent`, `withdrawn`, `extended`; else empty.
    done: &'a str,
    fault: Option<String>,
    /// What was typed.
    days: &'a str,
    form: &'a str,
}

/// What is typed to give more time.
#[derive(Debug, Deserialize)]
struct Typed {
    days: String,
}

/// `/invitations/ID` and its buttons.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/invitations/{id}", get(show))
        .route("/invitations/{id}/resend", post(resend))
        .route("/invitations/{id}/withdraw", post(withdraw))
        .route("/invitations/{id}/extend", post(extend))
}

async fn show(
    staff: Staff,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(renewals): State<Renewals>,
) -> Response {
    let invitation = match own(&staff, &id, &renewals) {
        Ok(invitation) => invitation,
        Err(status) => return status.into_response(),
    };
    let done = query.as_deref().filter(|done| ["resent", "withdrawn", "extended"].contains(done));
    page(&pages, &renewals, &staff, &invitation, done.unwrap_or_default(), None)
}

async fn resend(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by: staff, .. }: Form<Staff, Button>,
) -> Response {
    let invitation = match own(&staff, &id, &renewals) {
        Ok(invitation) => invitation,
        Err(status) => return status.into_response(),
    };
    if !staff.account.rights.invite {
        return no_right(&pages);
    }
    let changed = renewals.resend(invitation.id, "inviter", Some(staff.peer)).await;
    told(&pages, &renewals, &staff, &invitation, changed, "resent", "")
}

async fn withdraw(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by: staff, .. }: Form<Staff, Button>,
) -> Response {
    let invitation = match own(&staff, &id, &renewals) {
        Ok(invitation) => invitation,
        Err(status) => return status.into_response(),
    };
    let changed = renewals.tending().withdraw(invitation.id).await;
    told(&pages, &renewals, &staff, &invitation, changed, "withdrawn", "")
}

async fn extend(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by: staff, fields }: Form<Staff, Typed>,
) -> Response {
    let invitation = match own(&staff, &id, &renewals) {
        Ok(invitation) => invitation,
        Err(status) => return status.into_response(),
    };
    if !staff.account.rights.invite {
        return no_right(&pages);
    }
    // What is no number is no time.
    let days = fields.days.trim().parse().unwrap_or(0);
    let changed = renewals.tending().extend(invitation.id, days).await;
    told(&pages, &renewals, &staff, &invitation, changed, "extended", &fields.days)
}

/// Back to the page with the news, so that loading it again does nothing; or the page with what stands in the way.
fn told(
    pages: &Pages,
    renewals: &Renewals,
    staff: &Staff,
    invitation: &Invitation,
    changed: Result<Invitation, TendingFault>,
    done: &str,
    days: &str,
) -> Response {
    match changed {
        Ok(_) => Redirect::to(&format!("/invitations/{}?{done}", invitation.id)).into_response(),
        Err(fault @ (TendingFault::Notice(_) | TendingFault::Random(_) | TendingFault::Store(_))) => {
            error!(%fault, "changing an invitation");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(fault) => page(pages, renewals, staff, invitation, "", Some((fault.to_string(), days))),
    }
}

fn page(
    pages: &Pages,
    renewals: &Renewals,
    staff: &Staff,
    invitation: &Invitation,
    done: &str,
    fault: Option<(String, &str)>,
) -> Response {
    use Progress::{Accepted, Bounced, Opened, Queued, Sent, Withdrawn};
    let handover = invitation.state.handover();
    let (changed, reason) = match &invitation.state {
        Queued | Sent(_) => (None, None),
        Opened { at, .. } | Accepted { at, .. } | Withdrawn { at } => (Some(*at), None),
        Bounced { at, reason, .. } => (Some(*at), Some(reason.as_str())),
    };
    let is_open = !matches!(invitation.state, Accepted { .. } | Withdrawn { .. });
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (fault, days) = fault.unzip();
    let names = One {
        id: invitation.id,
        invitee: &invitation.invitee,
        subject: &invitation.subject,
        state: invitation.stage(renewals.tending().now()).word(),
        created: pages.moment(invitation.created),
        sent: handover.map(|handover| pages.moment(handover.at)),
        words: reason.or(handover.map(|handover| handover.reply.as_str())),
        changed: changed.map(|at| pages.moment(at)),
        valid_until: invitation.valid_until().filter(|_| is_open).map(|at| pages.moment(at)),
        renewed: invitation.life.renewed.map(|at| pages.moment(at)),
        is_open,
        done,
        fault,
        days: days.unwrap_or("14"),
        form: staff.form_token(),
    };
    pages.page(status, "invitation", names)
}

/// An invitation of this person's own; somebody else's is not there.
fn own(person: &Person, id: &str, renewals: &Renewals) -> Result<Invitation, StatusCode> {
    let id = InvitationId::from_str(id).map_err(|_| StatusCode::NOT_FOUND)?;
    match renewals.tending().show(id) {
        Ok(invitation) if person.account.owns(&invitation.inviter.address) => Ok(invitation),
        Ok(_) | Err(TendingFault::Unknown(_)) => Err(StatusCode::NOT_FOUND),
        Err(fault) => {
            error!(%fault, "reading an invitation");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
