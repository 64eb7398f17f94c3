//! Asking clamd about a file (clamd(8), INSTREAM): it is sent in pieces, the answer is one line.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::config::Scanner;
use crate::store::blobs::Reader;

/// How long clamd may take to be there.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// What harms nobody, and is clean to every scanner that works.
const HARMLESS: &[u8] = b"A text that harms nobody.";
/// How long an answer about that may take, also where files are given longer.
const HARMLESS_TIME: Duration = Duration::from_secs(30);
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

/// There is no answer about a file: clamd is to be asked again later.
#[derive(Debug, Error)]
pub(super) enum ScanFault {
    #[error("it cannot be reached")]
    Unreached(#[source] io::Error),
    #[error("the file could not be read")]
    Unread(#[source] io::Error),
    #[error("it broke off")]
    BrokeOff(#[from] io::Error),
    #[error("it did not answer in time")]
    TooSlow(#[from] tokio::time::error::Elapsed),
    #[error("it answered “{0}”")]
    Answer(String),
}

/// What clamd is asked about.
enum Sample {
    File(Reader),
    Text(&'static [u8]),
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
        self.ask_about(Sample::File(file), self.time).await
    }

    /// Whether it works: then it is for the file if it fails about one.
    ///
    /// # Errors
    /// [`ScanFault`]: it calls not even [`HARMLESS`] clean.
    pub(super) async fn works(&self) -> Result<(), ScanFault> {
        match self.ask_about(Sample::Text(HARMLESS), self.time.min(HARMLESS_TIME)).await? {
            Finding::Clean => Ok(()),
            Finding::Found(name) => Err(ScanFault::Answer(name)),
        }
    }

    async fn ask_about(&self, sample: Sample, time: Duration) -> Result<Finding, ScanFault> {
        match &self.scanner {
            Scanner::Unix(path) => converse_within(time, UnixStream::connect(path), sample).await,
            Scanner::Tcp(address) => converse_within(time, TcpStream::connect(address), sample).await,
        }
    }
}

impl Sample {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::File(file) => file.next().await,
            Self::Text(text) => {
                Ok(Some(std::mem::take(text)).filter(|rest| !rest.is_empty()).map(Bytes::from_static))
            }
        }
    }
}

async fn converse_within<S: AsyncRead + AsyncWrite + Unpin>(
    time: Duration,
    connecting: impl Future<Output = io::Result<S>>,
    sample: Sample,
) -> Result<Finding, ScanFault> {
    let connected = tokio::time::timeout(CONNECT_TIME, connecting).await;
    let clamd = connected.unwrap_or_else(|late| Err(late.into())).map_err(ScanFault::Unreached)?;
    tokio::time::timeout(time, converse(clamd, sample)).await?
}

/// Sends all and reads the answer. clamd may answer before the end, and close: then what it said counts, not that the
/// rest could not be sent.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut clamd: S,
    sample: Sample,
) -> Result<Finding, ScanFault> {
    let sent = send(&mut clamd, sample).await.map_err(ScanFault::Unread)?;
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
async fn send<S: AsyncWrite + Unpin>(clamd: &mut S, mut sample: Sample) -> io::Result<io::Result<()>> {
    // The z stands for a zero that ends the command and the answer.
    if let Err(fault) = clamd.write_all(b"zINSTREAM\0").await {
        return Ok(Err(fault));
    }
    while let Some(piece) = sample.next().await? {
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
