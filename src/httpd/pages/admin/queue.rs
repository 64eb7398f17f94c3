//! `/admin/queue`: what waits and in whose words, and what an administrator can do about it.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::id::MessageId;
use crate::base::size::Size;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::permit::{Admin, FormToken};
use crate::httpd::router::Parts;
use crate::queue::order::{Order, OrderFault, Page, Waiting};
use crate::queue::{Entry, Kind, Queue};
use crate::store::StoreFault;

/// Messages on one page.
const PAGE: usize = 50;
/// Recipients of one message that are shown; a mail can have a thousand.
const RECIPIENTS_MAX: usize = 200;

/// What the address says behind the question mark.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    after: String,
    /// The order that has emptied a message's page.
    #[serde(default)]
    done: String,
}

/// The names of `page/queue.html`.
#[derive(Serialize)]
struct List<'a> {
    messages: Vec<Line>,
    /// How many there are in all.
    count: usize,
    is_later: bool,
    next: Option<MessageId>,
    /// The order that was just carried out: `retry`, `hold`, `release`, `drop`; else empty.
    done: &'a str,
}

/// The names of `page/queued.html`.
#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    line: Line,
    size: String,
    /// Those that are shown, and how many more there are.
    entries: Vec<Recipient>,
    more: usize,
    done: &'a str,
    fault: Option<String>,
    form: &'a str,
}

#[derive(Serialize)]
struct Line {
    id: MessageId,
    /// `ordinary`, `invitation`, `own`.
    kind: &'static str,
    /// Nothing for `<>`.
    sender: Option<String>,
    received: String,
    /// The first of the recipients, and how many there are.
    recipient: String,
    recipients: usize,
    /// Whether some are held, and whether some are not.
    is_held: bool,
    is_waiting: bool,
    /// What the last attempt of one of them ended with.
    words: Option<String>,
}

#[derive(Serialize)]
struct Recipient {
    address: String,
    attempts: u32,
    next: Option<String>,
    words: Option<String>,
}

/// `/admin/queue`, `/admin/queue/ID` and its buttons.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/admin/queue", get(list))
        .route("/admin/queue/{id}", get(show))
        .route("/admin/queue/{id}/{order}", post(order))
}

async fn list(_: Admin, Query(asked): Query<Asked>, pages: Pages, State(queue): State<Queue>) -> Response {
    let after = asked.after.parse().ok();
    let count = queue.len();
    // A page can be of many thousand records.
    let read = tokio::task::spawn_blocking(move || queue.waiting(after, PAGE));
    let Page { messages, next } = match read.await.unwrap_or(Err(StoreFault::Stopped)) {
        Ok(page) => page,
        Err(fault) => return failed(&fault.into()),
    };
    let names = List {
        count,
        is_later: after.is_some(),
        next,
        messages: messages.iter().filter_map(|waiting| Line::of(waiting, &pages)).collect(),
        done: Order::of(&asked.done).map(Order::word).unwrap_or_default(),
    };
    pages.page(StatusCode::OK, "queue", names)
}

async fn show(
    admin: Admin,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    pages: Pages,
    State(queue): State<Queue>,
) -> Response {
    let done = query.as_deref().and_then(Order::of).map(Order::word).unwrap_or_default();
    match MessageId::from_str(&id) {
        Ok(id) => page(&pages, &admin, &queue, id, done, None),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn order(
    Path((id, word)): Path<(String, String)>,
    pages: Pages,
    State(queue): State<Queue>,
    Form { by: admin, .. }: Form<Admin, Button>,
) -> Response {
    let (Ok(id), Some(order)) = (MessageId::from_str(&id), Order::of(&word)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match queue.obey(order, id, admin.hand()).await {
        // It may be gone: dropped, or on its way.
        Ok(_) if matches!(order, Order::Drop | Order::Retry | Order::Release) => {
            Redirect::to(&format!("/admin/queue?done={}", order.word())).into_response()
        }
        Ok(_) => Redirect::to(&format!("/admin/queue/{id}?{}", order.word())).into_response(),
        Err(fault @ (OrderFault::Nothing(_) | OrderFault::Conflict)) => {
            page(&pages, &admin, &queue, id, "", Some(fault.to_string()))
        }
        Err(fault) => failed(&fault),
    }
}

fn page(
    pages: &Pages,
    admin: &Admin,
    queue: &Queue,
    id: MessageId,
    done: &str,
    fault: Option<String>,
) -> Response {
    let waiting = match queue.waiting_one(id) {
        Ok(waiting) => waiting,
        Err(fault) => return failed(&fault),
    };
    let Some(line) = Line::of(&waiting, pages) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let status = if fault.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let names = One {
        size: Size(waiting.message.body.len()).to_string(),
        entries: waiting
            .entries
            .iter()
            .take(RECIPIENTS_MAX)
            .map(|entry| Recipient::of(entry, pages))
            .collect(),
        more: waiting.entries.len().saturating_sub(RECIPIENTS_MAX),
        line,
        done,
        fault,
        form: admin.form_token(),
    };
    pages.page(status, "queued", names)
}

fn failed(fault: &OrderFault) -> Response {
    if matches!(fault, OrderFault::Unknown(_)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    error!(%fault, "the page of the queue");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

impl Line {
    /// `None` where all is settled and only the record is left.
    fn of(Waiting { message, entries }: &Waiting, pages: &Pages) -> Option<Self> {
        let first = entries.first()?;
        Some(Self {
            id: message.id,
            kind: match message.kind {
                Kind::Ordinary => "ordinary",
                Kind::Invitation => "invitation",
                Kind::Own => "own",
            },
            sender: message.sender.address().map(ToString::to_string),
            received: pages.moment(message.received),
            recipient: first.envelope.recipient.to_string(),
            recipients: entries.len(),
            is_held: entries.iter().any(|entry| entry.schedule.held),
            is_waiting: entries.iter().any(|entry| !entry.schedule.held),
            words: entries.iter().find_map(|entry| entry.schedule.last_answer.clone()),
        })
    }
}

impl Recipient {
    fn of(Entry { envelope, schedule }: &Entry, pages: &Pages) -> Self {
        Self {
            address: envelope.recipient.to_string(),
            attempts: schedule.attempts,
            next: (!schedule.held).then(|| pages.moment(schedule.due)),
            words: schedule.last_answer.clone(),
        }
    }
}
