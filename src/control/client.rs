//! The command line's side of the control socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;

use crate::control::SOCKET;
use crate::control::api::Problem;

/// How long the daemon may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Octets of an answer: the list of ten thousand staff members fits.
const ANSWER_MAX: usize = 4 << 20;

/// A daemon that is running.
pub struct Client {
    stream: UnixStream,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientFault {
    /// The daemon refused, in its own words.
    #[error("{0}")]
    Refused(String),
    /// The conversation broke.
    #[error("the running daemon did not do what it was asked: {0}")]
    Broken(String),
}

impl Client {
    /// Reaches the daemon of a state directory; `None` where none is running.
    ///
    /// # Errors
    /// Those of the system, such as a lack of permission.
    pub async fn connect(directory: &Path) -> io::Result<Option<Self>> {
        match UnixStream::connect(directory.join(SOCKET)).await {
            Ok(stream) => Ok(Some(Self { stream })),
            Err(fault)
                if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// [`ClientFault`].
    pub async fn ask<B: Serialize, A: DeserializeOwned>(
        self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<A, ClientFault> {
        let asked = self.exchange(method, path, body);
        let octets = tokio::time::timeout(ANSWER_TIME, asked)
            .await
            .map_err(|_| ClientFault::Broken(format!("no answer within {} s", ANSWER_TIME.as_secs())))??;
        // `204 No Content` is the JSON value `null`.
        let json: &[u8] = if octets.is_empty() { b"null" } else { &octets };
        serde_json::from_slice(json).map_err(broken)
    }

    async fn exchange<B: Serialize>(
        self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<Bytes, ClientFault> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(self.stream)).await.map_err(broken)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "postern")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(serde_json::to_vec(body).map_err(broken)?)))
            .map_err(broken)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            read(response).await
        };
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = connection => match ended {
                Ok(()) => exchange.await,
                Err(fault) => Err(broken(fault)),
            },
        }
    }
}

async fn read(response: Response<Incoming>) -> Result<Bytes, ClientFault> {
    let status = response.status();
    let octets = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(broken)?.to_bytes();
    if status.is_success() {
        return Ok(octets);
    }
    // What the router itself refuses, as for a daemon of another version, comes without words of ours.
    Err(match serde_json::from_slice::<Problem>(&octets) {
        Ok(problem) => ClientFault::Refused(problem.problem),
        Err(_) => broken(format!("it answered {status}; is it of the same version as this command?")),
    })
}

#[allow(clippy::needless_pass_by_value, reason = "a function for `map_err`, which hands values over")]
fn broken(fault: impl ToString) -> ClientFault {
    ClientFault::Broken(fault.to_string())
}
