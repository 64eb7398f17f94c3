//! What can be asked over the control socket about the queue. Both sides share these types.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::audit::Hand;
use crate::base::address::Address;
use crate::base::id::MessageId;
use crate::control::api::Problem;
use crate::queue::order::{Order, OrderFault, Page, Waiting};
use crate::queue::{Kind, Queue};

/// Messages of one answer: their recipients, a thousand each at most by default, fit into what the client reads.
const PAGE: usize = 20;

/// `GET /queue?…`: which ones.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// Those behind this one.
    pub after: Option<MessageId>,
}

/// The answer: a part of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    /// In the order in which they came.
    pub messages: Vec<MessageLine>,
    /// What to ask for next as `after`; null behind the last.
    pub next: Option<MessageId>,
}

/// One message. Moments are in RFC 3339.
#[derive(Debug, Serialize, Deserialize)]
pub struct MessageLine {
    /// Its identifier.
    pub id: MessageId,
    /// `ordinary`, `invitation`, or `own` for notices and reports.
    pub kind: String,
    /// The envelope's sender; null for `<>`.
    pub sender: Option<Address>,
    /// When it was accepted.
    pub received: String,
    /// Octets of its body.
    pub octets: u64,
    /// Who has not got it yet.
    pub recipients: Vec<RecipientLine>,
}

/// One recipient's copy.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecipientLine {
    /// Where it goes.
    pub recipient: Address,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_attempt: Option<String>,
    /// When it is tried next; null while it is held.
    pub next_attempt: Option<String>,
    /// What the last attempt ended with.
    pub last_answer: Option<String>,
    /// Whether it is held.
    pub held: bool,
}

/// What an order concerned.
#[derive(Debug, Serialize, Deserialize)]
pub struct Obeyed {
    /// The recipients, those that are on their way excepted.
    pub recipients: Vec<Address>,
}

/// Routes to the queue.
pub fn router(queue: Queue) -> Router {
    Router::new()
        .route("/queue", get(list))
        .route("/queue/{id}", get(show))
        .route("/queue/{id}/{order}", post(obey))
        .with_state(queue)
}

async fn list(State(queue): State<Queue>, Query(wanted): Query<Wanted>) -> Result<Json<Part>, OrderFault> {
    let Page { messages, next } = queue.waiting(wanted.after, PAGE)?;
    let messages = messages.iter().filter(|waiting| !waiting.entries.is_empty()).map(MessageLine::of);
    Ok(Json(Part { messages: messages.collect(), next }))
}

async fn show(
    State(queue): State<Queue>,
    Path(id): Path<MessageId>,
) -> Result<Json<MessageLine>, OrderFault> {
    Ok(Json(MessageLine::of(&queue.waiting_one(id)?)))
}

async fn obey(State(queue): State<Queue>, Path((id, word)): Path<(MessageId, String)>) -> Response {
    let Some(order) = Order::of(&word) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match queue.obey(order, id, Hand::COMMAND_LINE).await {
        Ok(recipients) => Json(Obeyed { recipients }).into_response(),
        Err(fault) => fault.into_response(),
    }
}

impl MessageLine {
    /// As it stands now.
    #[must_use]
    pub fn of(Waiting { message, entries }: &Waiting) -> Self {
        let kind = match message.kind {
            Kind::Ordinary => "ordinary",
            Kind::Invitation => "invitation",
            Kind::Own => "own",
        };
        let recipients = entries.iter().map(|entry| {
            let schedule = &entry.schedule;
            RecipientLine {
                recipient: entry.envelope.recipient.clone(),
                attempts: schedule.attempts,
                first_attempt: schedule.first_attempt.map(|at| at.to_string()),
                next_attempt: Some(schedule.due.to_string()).filter(|_| !schedule.held),
                last_answer: schedule.last_answer.clone(),
                held: schedule.held,
            }
        });
        Self {
            id: message.id,
            kind: kind.to_owned(),
            sender: message.sender.address().cloned(),
            received: message.received.to_string(),
            octets: message.body.len(),
            recipients: recipients.collect(),
        }
    }
}

impl IntoResponse for OrderFault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Nothing(_) | Self::Conflict => StatusCode::CONFLICT,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(Problem { problem: self.to_string() })).into_response()
    }
}
