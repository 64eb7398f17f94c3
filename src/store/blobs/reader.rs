//! A blob as it is read.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::store::blobs::PIECE;

/// Gives the octets of a range, a piece at a time.
#[derive(Debug)]
pub struct Reader {
    file: Arc<File>,
    range: Range<u64>,
}

impl Reader {
    pub(super) fn new(file: File, range: Range<u64>) -> Self {
        Self { file: Arc::new(file), range }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the blob ends before the range; else what the system says.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let left = self.range.end.saturating_sub(self.range.start);
        if left == 0 {
            return Ok(None);
        }
        let len = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let (file, start) = (Arc::clone(&self.file), self.range.start);
        let piece = spawn_blocking(move || {
            let mut piece = vec![0; len];
            file.read_exact_at(&mut piece, start).map(|()| piece)
        })
        .await??;
        self.range.start += len as u64;
        Ok(Some(piece.into()))
    }
}
