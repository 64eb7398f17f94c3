//! `/admin`: how the gateway stands, each figure from a counter or a bounded read, and what to do about it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use tracing::error;

use crate::base::clock::Timestamp;
use crate::base::size::Size;
use crate::dropoff::Dropoff;
use crate::httpd::page::Pages;
use crate::httpd::permit::Admin;
use crate::httpd::router::Parts;
use crate::net::tls::ServerTls;
use crate::queue::Queue;
use crate::queue::census::Trouble;
use crate::store::StoreFault;
use crate::switches::{Standing, Switchboard};
use crate::template::{Shelf, TemplateFault};
use crate::tending::renewal::Renewals;

/// Over which time invitations are counted.
const LATELY: Duration = Duration::from_hours(7 * 24);
/// So long before its end the certificate should have been renewed.
const CERTIFICATE_SOON: Duration = Duration::from_hours(14 * 24);
/// Faulty texts that are told; `postern template check` lists all.
const FAULTS_MAX: usize = 20;

/// What this process is.
#[derive(Clone)]
pub struct Gateway {
    /// Since when it runs.
    pub started: Timestamp,
    /// Where it listens for mail, and for whom: `submission` or `relay`.
    pub listeners: Vec<(SocketAddr, &'static str)>,
    /// Where it listens for browsers.
    pub web: SocketAddr,
    /// What all of them show.
    pub certificate: ServerTls,
}

/// The names of `page/status.html`.
#[derive(Serialize)]
struct Status {
    version: &'static str,
    started: String,
    days: u64,
    hours: u64,
    minutes: u64,
    listeners: Vec<Listening>,
    queue: Mail,
    troubles: Vec<Troubled>,
    invitations: Vec<Count>,
    /// Whether the last ones only were counted.
    invitations_in_part: bool,
    dropoffs: Stored,
    certificate: Certificate,
    texts: Vec<Text>,
    /// How many more there are than `texts`.
    texts_more: usize,
    switches: Vec<Differs>,
}

#[derive(Serialize)]
struct Listening {
    address: String,
    role: &'static str,
}

#[derive(Serialize)]
struct Mail {
    messages: usize,
    in_part: bool,
    due: usize,
    waiting: usize,
    held: usize,
    oldest: Option<String>,
}

#[derive(Serialize)]
struct Troubled {
    domain: String,
    recipients: usize,
    attempts: u32,
    answer: String,
}

#[derive(Serialize)]
struct Count {
    state: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct Stored {
    packages: u64,
    size: String,
    in_part: bool,
    free: Option<String>,
}

#[derive(Serialize)]
struct Certificate {
    ends: Option<String>,
    is_soon: bool,
    is_over: bool,
}

#[derive(Serialize)]
struct Text {
    file: String,
    line: usize,
    reason: String,
}

#[derive(Serialize)]
struct Differs {
    key: &'static str,
    value: String,
    file: String,
}

/// `/admin`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/admin", get(show))
}

/// What the figures are read from.
type Sources = (Renewals, Dropoff, Queue);

async fn show(
    _: Admin,
    pages: Pages,
    State(gateway): State<Gateway>,
    (State(renewals), State(dropoff), State(queue)): (State<Renewals>, State<Dropoff>, State<Queue>),
    State(switches): State<Switchboard>,
    State(shelf): State<Shelf>,
) -> Response {
    // The figures are read from the disk.
    let sources = (renewals, dropoff, queue);
    let read = tokio::task::spawn_blocking(move || {
        status(&pages, &gateway, &sources, &switches, &shelf)
            .map(|names| pages.page(StatusCode::OK, "status", names))
    });
    match read.await {
        Ok(Ok(page)) => page,
        Ok(Err(fault)) => {
            error!(%fault, "reading how the gateway stands");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn status(
    pages: &Pages,
    gateway: &Gateway,
    (renewals, dropoff, queue): &Sources,
    switches: &Switchboard,
    shelf: &Shelf,
) -> Result<Status, StoreFault> {
    let now = renewals.tending().now();
    let minutes = now.since(gateway.started).as_secs() / 60;
    let lately = renewals.tending().lately(now - LATELY)?;
    let census = queue.census()?;
    let stock = dropoff.stock()?;
    let faults = shelf.faults();
    let ends = gateway.certificate.ends();
    let mail = gateway.listeners.iter().copied();
    let differs = |standing: &Standing| standing.set.is_some() && standing.value != standing.file;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        started: pages.moment(gateway.started),
        days: minutes / (24 * 60),
        hours: minutes / 60 % 24,
        minutes: minutes % 60,
        listeners: mail.chain([(gateway.web, "web")]).map(Listening::of).collect(),
        queue: Mail {
            messages: census.messages,
            in_part: !census.is_whole,
            due: census.due,
            waiting: census.waiting,
            held: census.held,
            oldest: census.oldest.map(|oldest| pages.moment(oldest)),
        },
        troubles: census.troubles.into_iter().map(Troubled::from).collect(),
        invitations: lately.counts.map(|(stage, count)| Count { state: stage.word(), count }).into(),
        invitations_in_part: !lately.is_whole,
        dropoffs: Stored {
            packages: stock.packages,
            size: Size(stock.octets).to_string(),
            in_part: !stock.is_whole,
            free: stock.free.map(|free| Size(free).to_string()),
        },
        certificate: Certificate {
            ends: ends.map(|ends| pages.moment(ends)),
            is_soon: ends.is_some_and(|ends| ends < now + CERTIFICATE_SOON),
            is_over: ends.is_some_and(|ends| ends < now),
        },
        texts: faults.iter().take(FAULTS_MAX).map(Text::of).collect(),
        texts_more: faults.len().saturating_sub(FAULTS_MAX),
        switches: switches.list().into_iter().filter(differs).map(Differs::from).collect(),
    })
}

impl Listening {
    fn of((address, role): (SocketAddr, &'static str)) -> Self {
        Self { address: address.to_string(), role }
    }
}

impl Text {
    fn of(TemplateFault { file, line, reason }: &TemplateFault) -> Self {
        Self { file: file.clone(), line: *line, reason: reason.clone() }
    }
}

impl From<Trouble> for Troubled {
    fn from(Trouble { domain, recipients, attempts, answer }: Trouble) -> Self {
        Self { domain, recipients, attempts, answer }
    }
}

impl From<Standing> for Differs {
    fn from(Standing { switch, value, file, .. }: Standing) -> Self {
        Self { key: switch.key(), value, file }
    }
}
