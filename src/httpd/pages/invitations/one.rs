//! `/invitations/ID`: one invitation with its way so far, and what its inviter, or an administrator, can do about it.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::address::Address;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::pages::invitations::Tender;
use crate::httpd::pages::invite::{no_right, sentence};
use crate::httpd::router::Parts;
use crate::intake::Intake;
use crate::intake::refusal::Refusal;
use crate::invites::{Invitation, State as Progress};
use crate::tending::TendingFault;
use crate::tending::renewal::Renewals;

/// The names of `page/invitation.html`.
#[derive(Serialize)]
struct One<'a> {
    id: InvitationId,
    /// Where the list is.
    place: &'static str,
    /// Who invites, where that is not the one who looks.
    inviter: Option<&'a Mailbox>,
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
    /// What was done just now, one of [`NEWS`]; else empty.
    done: &'a str,
    faults: Faults,
    typed: Typed,
    form: &'a str,
}

/// What the buttons have done, as the address says it behind the question mark.
const NEWS: [&str; 4] = ["resent", "withdrawn", "extended", "corrected"];

/// What is typed to give more time.
#[derive(Debug, Deserialize)]
struct More {
    days: String,
}

/// What is typed to correct the address.
#[derive(Debug, Deserialize)]
struct Right {
    address: String,
}

/// What stands in the way: above all the buttons, or beside a field.
#[derive(Default, Serialize)]
struct Faults {
    top: Option<String>,
    days: Option<String>,
    address: Option<String>,
}

/// What stands in the fields.
#[derive(Serialize)]
struct Typed {
    days: String,
    address: String,
}

/// What the page of one invitation is made of.
struct Desk<'a, T> {
    pages: &'a Pages,
    renewals: &'a Renewals,
    by: &'a T,
    invitation: Invitation,
}

/// One invitation, and its buttons.
pub fn routes<T: Tender>() -> Router<Parts> {
    let below = |deed: &str| format!("{}/{{id}}{deed}", T::PLACE);
    Router::new()
        .route(&below(""), get(show::<T>))
        .route(&below("/resend"), post(resend::<T>))
        .route(&below("/withdraw"), post(withdraw::<T>))
        .route(&below("/extend"), post(extend::<T>))
        .route(&below("/address"), post(correct::<T>))
}

async fn show<T: Tender>(
    by: T,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(renewals): State<Renewals>,
) -> Response {
    let desk = match Desk::of(&pages, &renewals, &by, &id) {
        Ok(desk) => desk,
        Err(status) => return status.into_response(),
    };
    let done = NEWS.into_iter().find(|done| query.as_deref() == Some(*done));
    desk.page(StatusCode::OK, done.unwrap_or_default(), Faults::default(), desk.fields())
}

async fn resend<T: Tender>(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by, .. }: Form<T, Button>,
) -> Response {
    let desk = match Desk::of(&pages, &renewals, &by, &id) {
        Ok(desk) => desk,
        Err(status) => return status.into_response(),
    };
    if !by.may_send(&desk.invitation) {
        return no_right(&pages);
    }
    match renewals.resend(desk.invitation.id, T::WORD, Some(by.peer)).await {
        Ok(_) => desk.news("resent"),
        Err(fault) => desk.in_the_way(&fault, |top| Faults { top, ..Faults::default() }, desk.fields()),
    }
}

async fn withdraw<T: Tender>(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by, .. }: Form<T, Button>,
) -> Response {
    let desk = match Desk::of(&pages, &renewals, &by, &id) {
        Ok(desk) => desk,
        Err(status) => return status.into_response(),
    };
    match renewals.tending().withdraw(desk.invitation.id).await {
        Ok(_) => desk.news("withdrawn"),
        Err(fault) => desk.in_the_way(&fault, |top| Faults { top, ..Faults::default() }, desk.fields()),
    }
}

async fn extend<T: Tender>(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    Form { by, fields }: Form<T, More>,
) -> Response {
    let desk = match Desk::of(&pages, &renewals, &by, &id) {
        Ok(desk) => desk,
        Err(status) => return status.into_response(),
    };
    if !by.may_send(&desk.invitation) {
        return no_right(&pages);
    }
    // What is no number is no time.
    let days = fields.days.trim().parse().unwrap_or(0);
    match renewals.tending().extend(desk.invitation.id, days).await {
        Ok(_) => desk.news("extended"),
        Err(fault) => {
            let typed = Typed { days: fields.days, ..desk.fields() };
            desk.in_the_way(&fault, |days| Faults { days, ..Faults::default() }, typed)
        }
    }
}

async fn correct<T: Tender>(
    Path(id): Path<String>,
    pages: Pages,
    State(renewals): State<Renewals>,
    State(intake): State<Intake>,
    Form { by, fields }: Form<T, Right>,
) -> Response {
    let desk = match Desk::of(&pages, &renewals, &by, &id) {
        Ok(desk) => desk,
        Err(status) => return status.into_response(),
    };
    let right = match Address::parse(fields.address.trim()) {
        Ok(right) => right,
        Err(fault) => return desk.not_corrected(sentence(&pages.say(&fault.phrase())), fields),
    };
    match intake.readdress(desk.invitation.id, &right).await {
        Ok(_) => desk.news("corrected"),
        // The cause is in the log.
        Err(Refusal::QueueFull | Refusal::DiskFull | Refusal::Internal) => {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(refusal) => desk.not_corrected(sentence(&refusal.to_string()), fields),
    }
}

impl<'a, T: Tender> Desk<'a, T> {
    /// For an invitation that is there for this person.
    fn of(pages: &'a Pages, renewals: &'a Renewals, by: &'a T, id: &str) -> Result<Self, StatusCode> {
        let id = InvitationId::from_str(id).map_err(|_| StatusCode::NOT_FOUND)?;
        match renewals.tending().show(id) {
            Ok(invitation) if by.may_see(&invitation) => Ok(Self { pages, renewals, by, invitation }),
            Ok(_) | Err(TendingFault::Unknown(_)) => Err(StatusCode::NOT_FOUND),
            Err(fault) => {
                error!(%fault, "reading an invitation");
                Err(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    /// Back to the page with the news, so that loading it again does nothing.
    fn news(&self, done: &str) -> Response {
        Redirect::to(&format!("{}/{}?{done}", T::PLACE, self.invitation.id)).into_response()
    }

    /// The page with what stands in the way.
    fn in_the_way(
        &self,
        fault: &TendingFault,
        place: impl FnOnce(Option<String>) -> Faults,
        typed: Typed,
    ) -> Response {
        if matches!(fault, TendingFault::Notice(_) | TendingFault::Random(_) | TendingFault::Store(_)) {
            error!(%fault, "changing an invitation");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let faults = place(Some(fault.to_string()));
        self.page(StatusCode::UNPROCESSABLE_ENTITY, "", faults, typed)
    }

    fn not_corrected(&self, why: String, Right { address }: Right) -> Response {
        let faults = Faults { address: Some(why), ..Faults::default() };
        self.page(StatusCode::UNPROCESSABLE_ENTITY, "", faults, Typed { address, ..self.fields() })
    }

    /// What stands in the fields before anything is typed. Of an address, most is right.
    fn fields(&self) -> Typed {
        Typed { days: "14".to_owned(), address: self.invitation.invitee.address.to_string() }
    }

    fn page(&self, status: StatusCode, done: &str, faults: Faults, typed: Typed) -> Response {
        use Progress::{Accepted, Bounced, Opened, Queued, Sent, Withdrawn};
        let Self { pages, invitation, .. } = self;
        let handover = invitation.state.handover();
        let (changed, reason) = match &invitation.state {
            Queued | Sent(_) => (None, None),
            Opened { at, .. } | Accepted { at, .. } | Withdrawn { at } => (Some(*at), None),
            Bounced { at, reason, .. } => (Some(*at), Some(reason.as_str())),
        };
        let is_open = !matches!(invitation.state, Accepted { .. } | Withdrawn { .. });
        let names = One {
            id: invitation.id,
            place: T::PLACE,
            inviter: T::IS_FOR_ALL.then_some(&invitation.inviter),
            invitee: &invitation.invitee,
            subject: &invitation.subject,
            state: invitation.stage(self.renewals.tending().now()).word(),
            created: pages.moment(invitation.created),
            sent: handover.map(|handover| pages.moment(handover.at)),
            words: reason.or(handover.map(|handover| handover.reply.as_str())),
            changed: changed.map(|at| pages.moment(at)),
            valid_until: invitation.valid_until().filter(|_| is_open).map(|at| pages.moment(at)),
            renewed: invitation.life.renewed.map(|at| pages.moment(at)),
            is_open,
            done,
            faults,
            typed,
            form: self.by.form_token(),
        };
        pages.page(status, "invitation", names)
    }
}
