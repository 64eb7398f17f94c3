//! Whether anything moves on a connection. Files take as long as they take; one on which nothing moves is no transfer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that counts its octets.
#[derive(Debug)]
pub struct Moving<S> {
    inner: S,
    octets: Meter,
}

/// How many octets have moved so far, in both directions together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

impl<S> Moving<S> {
    /// The connection, and what it is counted by.
    pub fn new(inner: S) -> (Self, Meter) {
        let octets = Meter::default();
        (Self { inner, octets: octets.clone() }, octets)
    }
}

impl Meter {
    /// Ends when nothing has moved for `patience`, and at most twice that after the last octet.
    pub async fn stands_still(&self, patience: Duration) {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(patience).await;
            let now = self.0.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
        }
    }

    fn add(&self, octets: usize) {
        self.0.fetch_add(octets as u64, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Moving<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        this.octets.add(buffer.filled().len().saturating_sub(before));
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Moving<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        counted(&this.octets, Pin::new(&mut this.inner).poll_write(cx, octets))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        counted(&this.octets, Pin::new(&mut this.inner).poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

fn counted(meter: &Meter, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(octets)) = &written {
        meter.add(*octets);
    }
    written
}
