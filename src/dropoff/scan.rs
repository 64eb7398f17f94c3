//! Asking clamd about a file (clamd(8), INSTREAM): it is sent in pieces, the answer is one line.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::config::Scanner;
use crate::store::blobs::Reader;

/// How long clamd may take to be there.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Octets of an answer; a longer one is none.
const ANSWER_MAX: u64 = 4096;
/// Characters of a finding that are kept.
const FINDING_MAX: usize = 200;

/// A connection to be had. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Clamd {
    scanner: Scanner,
    time: Duration,
}

/// What clamd says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Clean,
    /// The name of what is in it, or why it cannot be judged.
    Found(String),
}

/// clamd gave no answer: to be asked again later.
#[derive(Debug, Error)]
pub(super) enum ScanFault {
    /// About whatever file.
    #[error("it cannot be reached")]
    Unreached(#[source] io::Error),
    /// About this one, as all below.
    #[error("it broke off, or the file could not be read")]
    Io(#[from] io::Error),
    #[error("it did not answer within dropoff.scan_time")]
    TooSlow(#[from] tokio::time::error::Elapsed),
    #[error("it answered “{0}”")]
    Answer(String),
}

impl Clamd {
    /// Reached there, with so long for each file.
    pub(super) const fn new(scanner: Scanner, time: Duration) -> Self {
        Self { scanner, time }
    }

    /// What it says of this file.
    ///
    /// # Errors
    /// [`ScanFault`].
    pub(super) async fn ask(&self, file: Reader) -> Result<Finding, ScanFault> {
        match &self.scanner {
            Scanner::Unix(path) => self.converse(UnixStream::connect(path), file).await,
            Scanner::Tcp(address) => self.converse(TcpStream::connect(address), file).await,
        }
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connecting: impl Future<Output = io::Result<S>>,
        file: Reader,
    ) -> Result<Finding, ScanFault> {
        let connected = tokio::time::timeout(CONNECT_TIME, connecting).await;
        let clamd = connected.unwrap_or_else(|late| Err(late.into())).map_err(ScanFault::Unreached)?;
        tokio::time::timeout(self.time, converse(clamd, file)).await?
    }
}

/// Sends all and reads the answer. clamd may answer before the end, and close: then what it said counts, not that the
/// rest could not be sent.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut clamd: S,
    file: Reader,
) -> Result<Finding, ScanFault> {
    let sent = send(&mut clamd, file).await?;
    let mut answer = Vec::new();
    let read = (&mut clamd).take(ANSWER_MAX).read_to_end(&mut answer).await;
    if answer.is_empty() {
        sent?;
        read?;
    }
    let answer = String::from_utf8_lossy(&answer);
    judged(answer.trim_end_matches(['\0', '\n', '\r']))
}

/// The outer fault is the file's: then nothing that clamd says counts. The inner one is clamd's.
async fn send<S: AsyncWrite + Unpin>(clamd: &mut S, mut file: Reader) -> io::Result<io::Result<()>> {
    // The z stands for a zero that ends the command and the answer.
    if let Err(fault) = clamd.write_all(b"zINSTREAM\0").await {
        return Ok(Err(fault));
    }
    while let Some(piece) = file.next().await? {
        // A piece is far below 4 GiB.
        let len = u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes();
        let sent = async {
            clamd.write_all(&len).await?;
            clamd.write_all(&piece).await
        };
        if let Err(fault) = sent.await {
            return Ok(Err(fault));
        }
    }
    let ended = async {
        clamd.write_all(&[0; 4]).await?;
        clamd.flush().await
    };
    Ok(ended.await)
}

/// `stream: OK`, `stream: NAME FOUND`, `… ERROR`.
fn judged(answer: &str) -> Result<Finding, ScanFault> {
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        return Ok(Finding::Clean);
    }
    if let Some(name) = said.strip_suffix(" FOUND") {
        return Ok(Finding::Found(name.chars().filter(|c| !c.is_control()).take(FINDING_MAX).collect()));
    }
    // Asking again would not make the file smaller.
    if said.starts_with("INSTREAM size limit exceeded") {
        return Ok(Finding::Found("too large for the virus scanner".to_owned()));
    }
    Err(ScanFault::Answer(said.chars().filter(|c| !c.is_control()).take(FINDING_MAX).collect()))
}
