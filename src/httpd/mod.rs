//! The web face: pages for guests and for staff, over HTTPS.
//!
//! [`serve`] takes connections, does the handshake and lets hyper speak HTTP/1.1 or HTTP/2 (RFC 9112, RFC 9113); the
//! [`router`] leads each request to its page. What the face promises:
//!
//! - GET and HEAD change nothing on our side (RFC 9110 §9.2.1), because mail scanners follow links.
//! - What a handler may reach it has to ask for as a type: [`permit::Guest`] for what belongs to one guest,
//!   [`form::Form`] for what was typed into a form of ours, in the browser that we gave it to.
//! - Every answer, also to what went wrong, is a page that says what happened and what to do, carries the same
//!   safety headers, and needs no script.
//! - Every wait has an end, and every connection too: see [`serve`].

pub mod cookie;
pub mod download;
pub mod form;
pub mod moving;
pub mod multipart;
pub mod page;
pub mod pages;
pub mod permit;
pub mod reader;
pub mod router;
pub mod session;
#[cfg(test)]
mod tests;
pub mod tus;
pub mod way;

use std::convert::Infallible;
use std::future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tower::ServiceExt;
use tracing::debug;

use crate::httpd::moving::{Meter, Moving};
use crate::httpd::permit::Peer;
use crate::net::lifecycle::Lifecycle;
use crate::net::listener::{Arrival, Listener};
use crate::net::stream::Stream;
use crate::net::tls::ServerTls;

/// What ALPN calls the two protocols we speak, best first (RFC 7301 §6): for [`ServerTls::load`].
pub const ALPN: &[&[u8]] = &[H2, b"http/1.1"];

const H2: &[u8] = b"h2";
/// Octets of a request's head. Our longest URL has 80, our cookies together 90.
const HEAD_MAX: usize = 16 * 1024;
/// Requests at once in one HTTP/2 connection. A page with its sheet and logo asks three.
const STREAMS_MAX: u32 = 32;
/// Octets that an HTTP/2 connection may have sent and we have not yet dealt with (RFC 9113 §5.2): what an upload costs
/// in memory where the disk is slower than the line, and what bounds it where the line is long, to 60 Mbit/s at 50 ms.
const WINDOW: u32 = 384 * 1024;
/// How often an HTTP/2 connection in which nothing happens is asked whether somebody is still there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// How long connections are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the handshake, the first request, the head of each request and with it the idle time between two, and for the
    /// end of a connection when the daemon stops (`limits.web_request_time`).
    pub request_time: Duration,
    /// For the next octet while something is running: a browser that neither sends nor takes is gone.
    pub stall: Duration,
    /// A connection older than this is closed after what is running in it.
    pub age: Duration,
}

/// Serves until the lifecycle stops; then what is running is finished, and idle connections are closed.
///
/// [`Patience`] bounds every wait. What a request may take in all is the [`router`]'s bound; files take as long as their
/// octets keep moving.
pub async fn serve(
    listener: Listener,
    tls: ServerTls,
    router: Router,
    patience: Patience,
    lifecycle: Lifecycle,
) {
    while let Some(arrival) = listener.accept(&lifecycle).await {
        let connection =
            Connection { tls: tls.clone(), router: router.clone(), patience, lifecycle: lifecycle.clone() };
        lifecycle.spawn("web connection", connection.run(arrival));
    }
}

/// One browser's connection.
struct Connection {
    tls: ServerTls,
    router: Router,
    patience: Patience,
    lifecycle: Lifecycle,
}

impl Patience {
    /// With this for a request, two minutes beyond it for an octet, and an hour for a connection.
    #[must_use]
    pub fn new(request_time: Duration) -> Self {
        let stall = request_time + Duration::from_mins(2);
        Self { request_time, stall, age: Duration::from_hours(1) }
    }
}

impl Connection {
    /// From handshake to end. Faults here are the peer's and of no interest beyond a debugging eye.
    async fn run(self, arrival: Arrival) {
        let peer = arrival.peer.ip();
        let _place = match arrival.place {
            Ok(place) => place,
            // Before the handshake nothing can be said that a browser would show.
            Err(full) => return debug!(%peer, %full, "web connection turned away"),
        };
        match self.tls.accept(arrival.stream, self.patience.request_time).await {
            Ok(stream) => self.speak(stream, peer).await,
            Err(fault) => debug!(%peer, %fault, "no TLS with this browser"),
        }
    }

    async fn speak(self, stream: Stream, peer: IpAddr) {
        let router = self.router;
        let has_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&has_asked);
        let service = service_fn(move |mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(Peer(peer));
            let router = router.clone();
            async move { answer(router, request).await }
        });
        let http = protocol(&stream, self.patience.request_time, &self.lifecycle);
        // hyper waits for the preface of HTTP/2 (RFC 9113 §3.4) without end.
        let silence = async {
            tokio::time::sleep(self.patience.request_time).await;
            if has_asked.load(Ordering::Relaxed) {
                future::pending::<()>().await;
            }
        };
        let (stream, meter) = Moving::new(stream);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(fault) = ended {
                    debug!(%peer, %fault, "web connection broke off");
                }
                return;
            }
            () = silence => return debug!(%peer, "this browser asks for nothing"),
            () = meter.stands_still(self.patience.stall) => return debug!(%peer, "this browser has gone"),
            () = self.lifecycle.stopping() => {}
            () = tokio::time::sleep(self.patience.age) => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = end(&meter, self.patience, &self.lifecycle) => debug!(%peer, "web connection did not end in time"),
        }
    }
}

/// How long a connection that was asked to end is waited for: while its octets move, and when the daemon stops, a little.
async fn end(meter: &Meter, patience: Patience, lifecycle: &Lifecycle) {
    tokio::select! {
        () = meter.stands_still(patience.stall) => {}
        () = lifecycle.stopping() => tokio::time::sleep(patience.request_time).await,
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    router.oneshot(request.map(Body::new)).await
}

/// The protocol that the handshake agreed on, within its bounds. Not hyper-util's guess by the first octets, which
/// waits for them without end.
fn protocol(stream: &Stream, request_time: Duration, lifecycle: &Lifecycle) -> Builder<Tracked> {
    let builder = Builder::new(Tracked(lifecycle.clone()));
    let mut builder = match stream {
        Stream::ServerTls(tls) if tls.get_ref().1.alpn_protocol() == Some(H2) => builder.http2_only(),
        _ => builder.http1_only(),
    };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(request_time).max_buf_size(HEAD_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(u32::try_from(HEAD_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(request_time);
    builder
}

/// Runs the requests of HTTP/2 as tasks that a stop waits for.
#[derive(Clone)]
struct Tracked(Lifecycle);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, request: F) {
        self.0.spawn("web request", async move {
            request.await;
        });
    }
}
