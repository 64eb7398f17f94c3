//! sled 0.34.7, fenced. The only place that names it.
//!
//! Left to itself sled calls a write durable that a power cut undoes, hangs when asked to flush from many tasks,
//! refuses to open what it left behind half written, and keeps large values in files that it never syncs nor
//! removes. Inside these fences none of that was seen, whatever was tried:
//! - one thread writes, in whole groups; nothing asks for an asynchronous flush (`clippy.toml`);
//! - behind `flush()`, which is `sync_file_range` and covers neither metadata nor the drive's cache, the database
//!   file itself is synced;
//! - keys and values are short ([`crate::store::engine`]), so that `blobs/` stays empty;
//! - a half-written snapshot is removed before opening;
//! - whatever is wrong with the files, a panic included, shows at the start, where it can be mended
//!   ([`crate::store::recovery`]).

use std::any::Any;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::store::StoreFault;
use crate::store::engine::{Cell, Engine, Write};
use crate::store::private;

/// How long sled's own threads may hold on to a database that was closed.
const LET_GO_WITHIN: Duration = Duration::from_secs(5);

/// A sled database in its own directory.
pub struct SledEngine {
    db: sled::Db,
    file: DatabaseFile,
}

/// The database file, opened once more: for the sync that sled leaves out, and to see when sled has let go of it.
struct DatabaseFile(File);

impl SledEngine {
    /// Opens or creates the database and reads it once from end to end. The caller holds the lock on what is above
    /// `directory`.
    ///
    /// # Errors
    /// [`StoreFault::Engine`] where the files are damaged, [`StoreFault::Io`] where they cannot be reached.
    pub fn open(directory: &Path, cache: u64) -> Result<Self, StoreFault> {
        private::directory(directory)?;
        remove_unfinished_snapshots(directory)?;
        // Its flushing thread is left as it is: it also gathers the garbage of the log.
        let config = sled::Config::new().path(directory).cache_capacity(cache);
        let opened = panic::catch_unwind(AssertUnwindSafe(|| {
            let db = config.open()?;
            // Damage below the root shows only when it is read: read everything now.
            for cell in db.iter() {
                cell?;
            }
            Ok::<_, sled::Error>(db)
        }));
        let db = match opened {
            Ok(db) => db?,
            Err(panic) => return Err(StoreFault::Engine(panic_text(&*panic))),
        };
        // What sled has created now is not yet durable by name.
        for name in ["conf", "db"] {
            File::open(directory.join(name))?.sync_all()?;
        }
        File::open(directory)?.sync_all()?;
        let file = File::options().read(true).write(true).open(directory.join("db"))?;
        Ok(Self { db, file: DatabaseFile(file) })
    }
}

impl Engine for SledEngine {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self.db.get(key)?.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Cell>, StoreFault> {
        let from = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let mut cells = Vec::new();
        for cell in self.db.range::<&[u8], _>((from, Bound::Unbounded)).take(limit) {
            let (key, value) = cell?;
            if !key.starts_with(prefix) {
                break;
            }
            cells.push(Cell { key: key.to_vec(), value: value.to_vec() });
        }
        Ok(cells)
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), StoreFault> {
        let mut group = sled::Batch::default();
        for Write { key, value } in writes {
            match value {
                Some(value) => group.insert(key, value),
                None => group.remove(key),
            }
        }
        // A transaction seals its writes with the very same peg in the log, but reads and locks for conflicts that
        // cannot be: the committer is the only writer and has checked what each batch expects.
        #[allow(clippy::disallowed_methods, reason = "this is the committer's one way in")]
        self.db.apply_batch(group)?;
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreFault> {
        self.db.flush()?;
        Ok(self.file.0.sync_data()?)
    }
}

impl Drop for DatabaseFile {
    /// Runs behind the drop of the database, which may return while a thread of sled still has the file locked: who
    /// opened it again at once would be refused.
    fn drop(&mut self) {
        let since = Instant::now();
        while self.0.try_lock().is_err() && since.elapsed() < LET_GO_WITHIN {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// sled takes the last `snap.*` for good, also the one that a crash left half written, and then finds it corrupt.
/// Without it, it reads its log, and nothing is missing.
fn remove_unfinished_snapshots(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
            tracing::warn!(file = %entry.path().display(), "removed a snapshot that a crash had left half written");
        }
    }
    Ok(())
}

/// What a panic said, as far as it said anything.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it gave no reason").to_owned()
}

impl From<sled::Error> for StoreFault {
    /// A file that ends too early is damaged; any other word of the system is no reason to think so.
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Self::Io(error),
            error => Self::Engine(format!("the database failed: {error}")),
        }
    }
}
