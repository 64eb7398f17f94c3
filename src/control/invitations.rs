//! What can be asked over the control socket about invitations. Both sides share these types.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::control::api::Problem;
use crate::intake::Intake;
use crate::invites::{self, Invitation, Stage};
use crate::tending::renewal::Renewals;
use crate::tending::{Filter, Listing, TendingFault};

/// `GET /invitations?…`: which ones.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// Those of this inviter.
    pub inviter: Option<Address>,
    /// Those that stand so.
    pub state: Option<Stage>,
    /// Those behind this one.
    pub after: Option<InvitationId>,
}

/// The answer: a part of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    /// In the order in which they were made.
    pub invitations: Vec<InvitationLine>,
    /// What to ask for next as `after`; null behind the last.
    pub next: Option<InvitationId>,
}

/// `POST /invitations/ID/extend`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Extend {
    /// How many days more.
    pub days: u32,
}

/// `POST /invitations/ID/address`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Readdress {
    /// The right one.
    pub address: Address,
}

/// One invitation, without its link, which nobody but the invitee knows. Moments are in RFC 3339.
#[derive(Debug, Serialize, Deserialize)]
pub struct InvitationLine {
    /// Its identifier.
    pub id: InvitationId,
    /// Who invites.
    pub inviter: Mailbox,
    /// Who is invited.
    pub invitee: Mailbox,
    /// Of the inviter's mail.
    pub subject: String,
    /// How it stands.
    pub state: Stage,
    /// When the inviter's mail was accepted.
    pub created: String,
    /// When the next hop took the mail with the link that counts.
    pub sent: Option<String>,
    /// Its words; of a mail that could not be delivered, why.
    pub words: Option<String>,
    /// When a person saw the page, the account was opened, the mail came back, or the invitation was withdrawn.
    pub changed: Option<String>,
    /// The last moment of its links; null while the mail is on its way, and where no link can be used any more.
    pub valid_until: Option<String>,
    /// When the last fresh link was made.
    pub renewed: Option<String>,
}

/// Routes to the invitations.
pub fn router(renewals: Renewals, intake: Intake) -> Router {
    let corrections = Router::new()
        .route("/invitations/{id}/address", post(readdress))
        .with_state((renewals.clone(), intake));
    Router::new()
        .route("/invitations", get(list))
        .route("/invitations/{id}", get(show))
        .route("/invitations/{id}/withdraw", post(withdraw))
        .route("/invitations/{id}/extend", post(extend))
        .route("/invitations/{id}/resend", post(resend))
        .with_state(renewals)
        .merge(corrections)
}

async fn list(
    State(renewals): State<Renewals>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Part>, TendingFault> {
    let filter = Filter { inviter: wanted.inviter, stage: wanted.state };
    let listing = renewals.tending().list(&filter, wanted.after)?;
    Ok(Json(Part::of(&listing, renewals.tending().now())))
}

async fn show(
    State(renewals): State<Renewals>,
    Path(id): Path<InvitationId>,
) -> Result<Json<InvitationLine>, TendingFault> {
    let invitation = renewals.tending().show(id)?;
    Ok(line(&renewals, &invitation))
}

async fn withdraw(
    State(renewals): State<Renewals>,
    Path(id): Path<InvitationId>,
) -> Result<Json<InvitationLine>, TendingFault> {
    let invitation = renewals.tending().withdraw(id).await?;
    Ok(line(&renewals, &invitation))
}

async fn extend(
    State(renewals): State<Renewals>,
    Path(id): Path<InvitationId>,
    Json(wanted): Json<Extend>,
) -> Result<Json<InvitationLine>, TendingFault> {
    let invitation = renewals.tending().extend(id, wanted.days).await?;
    Ok(line(&renewals, &invitation))
}

async fn resend(
    State(renewals): State<Renewals>,
    Path(id): Path<InvitationId>,
) -> Result<Json<InvitationLine>, TendingFault> {
    let invitation = renewals.resend(id, "administrator", None).await?;
    Ok(line(&renewals, &invitation))
}

async fn readdress(
    State((renewals, intake)): State<(Renewals, Intake)>,
    Path(id): Path<InvitationId>,
    Json(wanted): Json<Readdress>,
) -> Result<Json<InvitationLine>, Response> {
    match intake.readdress(id, &wanted.address).await {
        Ok(invitation) => Ok(line(&renewals, &invitation)),
        Err(refusal) => {
            let problem = Json(Problem { problem: refusal.to_string() });
            Err((StatusCode::UNPROCESSABLE_ENTITY, problem).into_response())
        }
    }
}

fn line(renewals: &Renewals, invitation: &Invitation) -> Json<InvitationLine> {
    Json(InvitationLine::of(invitation, renewals.tending().now()))
}

impl Part {
    /// As it stands now.
    #[must_use]
    pub fn of(listing: &Listing, now: Timestamp) -> Self {
        let lines = listing.invitations.iter().map(|invitation| InvitationLine::of(invitation, now));
        Self { invitations: lines.collect(), next: listing.next }
    }
}

impl InvitationLine {
    /// As it stands now.
    #[must_use]
    pub fn of(invitation: &Invitation, now: Timestamp) -> Self {
        use invites::State::{Accepted, Bounced, Opened, Queued, Sent, Withdrawn};
        let state = &invitation.state;
        let handover = state.handover();
        let (changed, reason) = match state {
            Queued | Sent(_) => (None, None),
            Opened { at, .. } | Accepted { at, .. } | Withdrawn { at } => (Some(at), None),
            Bounced { at, reason, .. } => (Some(at), Some(reason)),
        };
        let is_closed = matches!(state, Accepted { .. } | Withdrawn { .. });
        Self {
            id: invitation.id,
            inviter: invitation.inviter.clone(),
            invitee: invitation.invitee.clone(),
            subject: invitation.subject.clone(),
            state: invitation.stage(now),
            created: invitation.created.to_string(),
            sent: handover.map(|handover| handover.at.to_string()),
            words: reason.or_else(|| handover.map(|handover| &handover.reply)).cloned(),
            changed: changed.map(ToString::to_string),
            valid_until: invitation.valid_until().filter(|_| !is_closed).map(|last| last.to_string()),
            renewed: invitation.life.renewed.map(|at| at.to_string()),
        }
    }
}

impl IntoResponse for TendingFault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Used(_) | Self::Withdrawn(_) | Self::Invited { .. } | Self::Conflict => {
                StatusCode::CONFLICT
            }
            Self::TooLong { .. } | Self::NoTime => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Off => StatusCode::FORBIDDEN,
            Self::JustSent(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Notice(_) | Self::Random(_) | Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(Problem { problem: self.to_string() })).into_response()
    }
}
