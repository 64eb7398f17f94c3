//! Blobs: the octets of files that guests leave, each in a file of its own, named by its identifier only.
//!
//! ```text
//! blobs/…32 hexadecimal digits….blob
//! ```
//! A blob grows at its end. What [`Writer::sync`] has said to be there survives a power cut; what lies behind that is
//! nobody's promise, and the next [`Blobs::append`] begins where its caller says that the last promise ended. So the
//! length that counts is the one in a record, never the one of the file.
//!
//! Memory does not grow with a file: two buffers for each that is being written, one for each that is being read.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::base::id::BlobId;
use crate::config::Storage;
use crate::store::private;
use crate::store::spool::reaper::Reaper;

pub use self::reader::Reader;
pub use self::writer::Writer;

/// Octets that are written or read at once.
const PIECE: usize = 128 * 1024;
/// What the name of a blob ends in.
const EXTENSION: &str = "blob";

/// Keeps blobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    directory: PathBuf,
    reserve: u64,
    reaper: Reaper,
}

/// What tells one content from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// SHA-256, for people.
    pub sha256: [u8; 32],
    /// CRC-32 as archives have it.
    pub crc32: u32,
}

/// A digest that is being made, as far as the octets have come.
#[derive(Clone)]
pub struct Digesting {
    sha256: digest::Context,
    crc32: crc32fast::Hasher,
    len: u64,
}

impl Blobs {
    /// The blobs in `storage.directory`, where `reserve` octets stay free. To be opened behind the store, whose lock
    /// keeps others out.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(storage: &Storage, reserve: u64) -> io::Result<Self> {
        let directory = storage.directory.join("blobs");
        private::directory(&directory)?;
        // The folder is there from now on.
        File::open(&storage.directory)?.sync_all()?;
        Ok(Self { shelf: Arc::new(Shelf { directory, reserve, reaper: Reaper::start()? }) })
    }

    /// Whether so many octets more would leave the reserve free. Where the system does not say, they would: the write
    /// will tell.
    #[must_use]
    pub fn has_room_for(&self, octets: u64) -> bool {
        self.free().is_none_or(|free| free >= self.shelf.reserve.saturating_add(octets))
    }

    /// Octets that are free on the file system of the blobs; `None` where it does not say.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.shelf.directory).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// A new blob without octets, durable by name.
    ///
    /// # Errors
    /// What the system says.
    pub async fn create(&self) -> io::Result<BlobId> {
        let shelf = Arc::clone(&self.shelf);
        spawn_blocking(move || {
            let id = BlobId::fresh();
            File::options().write(true).create_new(true).open(shelf.path(id))?;
            File::open(&shelf.directory)?.sync_all()?;
            Ok(id)
        })
        .await?
    }

    /// Writes on behind the first `promised` octets; whatever lies there goes. `digesting`, if it stands at that place,
    /// is carried on.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where the blob is shorter; else what the system says.
    pub async fn append(
        &self,
        id: BlobId,
        promised: u64,
        digesting: Option<Digesting>,
    ) -> io::Result<Writer> {
        let shelf = Arc::clone(&self.shelf);
        let file = spawn_blocking(move || {
            let file = File::options().write(true).open(shelf.path(id))?;
            if file.metadata()?.len() < promised {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a blob is shorter than was promised",
                ));
            }
            file.set_len(promised)?;
            Ok(file)
        })
        .await??;
        let begun = if promised == 0 { Some(Digesting::begin()) } else { digesting };
        Ok(Writer::new(file, promised, begun.filter(|digesting| digesting.len == promised)))
    }

    /// Reads the first `len` octets and makes their digest.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where there are fewer; else what the system says.
    pub async fn digest(&self, id: BlobId, len: u64) -> io::Result<Digest> {
        let shelf = Arc::clone(&self.shelf);
        spawn_blocking(move || {
            let mut file = File::open(shelf.path(id))?.take(len);
            let mut digesting = Digesting::begin();
            let mut piece = vec![0; PIECE];
            loop {
                match file.read(&mut piece)? {
                    0 if digesting.len == len => return Ok(digesting.finish()),
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => digesting.update(piece.get(..read).unwrap_or_default()),
                }
            }
        })
        .await?
    }

    /// The octets of `range`, piece by piece. Who reads goes on reading when the blob is removed.
    ///
    /// # Errors
    /// What the system says, now or in a piece.
    pub async fn read(&self, id: BlobId, range: std::ops::Range<u64>) -> io::Result<Reader> {
        let path = self.shelf.path(id);
        let file = spawn_blocking(move || File::open(path)).await??;
        Ok(Reader::new(file, range))
    }

    /// Removes a blob soon; no record names it any more. One that is not there is gone already.
    pub fn remove(&self, id: BlobId) {
        self.shelf.reaper.remove(self.shelf.path(id));
    }

    /// At start, before any blob is made: removes whatever is not among `living`. Gives how many files went.
    ///
    /// # Errors
    /// Where the directory could not be read or a file not be removed.
    pub fn sweep(&self, living: &HashSet<BlobId>) -> io::Result<usize> {
        let mut swept = 0;
        for entry in fs::read_dir(&self.shelf.directory)? {
            let path = entry?.path();
            if name(&path).is_some_and(|id| !living.contains(&id)) {
                fs::remove_file(&path)?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Waits until all that is to be removed is removed.
    #[cfg(test)]
    pub(crate) fn wait_for_removals(&self) {
        self.shelf.reaper.wait();
    }
}

impl Shelf {
    fn path(&self, id: BlobId) -> PathBuf {
        self.directory.join(format!("{id}.{EXTENSION}"))
    }
}

impl Digest {
    /// The SHA-256 as people compare it: 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.sha256.iter().fold(String::with_capacity(64), |mut hex, octet| {
            // Writing into a text cannot fail.
            let _ = write!(hex, "{octet:02x}");
            hex
        })
    }
}

impl Digesting {
    /// Of nothing yet.
    #[must_use]
    pub fn begin() -> Self {
        Self { sha256: digest::Context::new(&digest::SHA256), crc32: crc32fast::Hasher::new(), len: 0 }
    }

    /// Octets so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none so far.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next octets.
    pub fn update(&mut self, octets: &[u8]) {
        self.sha256.update(octets);
        self.crc32.update(octets);
        self.len += octets.len() as u64;
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> Digest {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Digest { sha256, crc32: self.crc32.finalize() }
    }
}

/// The identifier in the name of a blob; `None` for what is no blob.
fn name(path: &Path) -> Option<BlobId> {
    let is_blob = path.extension().is_some_and(|extension| extension == EXTENSION);
    path.file_stem().filter(|_| is_blob)?.to_str()?.parse().ok()
}
