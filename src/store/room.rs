//! How much space is left.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So old an answer is still good: not a system call for every message.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Watches that `reserve` octets stay free: a full disk would break the database, not only this mail.
#[derive(Debug)]
pub struct Room {
    directory: PathBuf,
    reserve: u64,
    sample: Mutex<Option<(Instant, bool)>>,
}

impl Room {
    /// Watches the file system of `directory`.
    pub const fn new(directory: PathBuf, reserve: u64) -> Self {
        Self { directory, reserve, sample: Mutex::new(None) }
    }

    /// Whether there is room for mail. Where the system does not say, there is: the write will tell.
    pub fn is_left(&self) -> bool {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        match *sample {
            Some((at, is_left)) if at.elapsed() < SAMPLE_EVERY => is_left,
            before => {
                let is_left = rustix::fs::statvfs(&self.directory)
                    .map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= self.reserve);
                if !is_left && before.is_none_or(|(_, was_left)| was_left) {
                    tracing::error!(
                        directory = %self.directory.display(),
                        reserve = self.reserve,
                        "less space is free than `storage.reserve`: no new mail is taken until there is more"
                    );
                }
                *sample = Some((Instant::now(), is_left));
                is_left
            }
        }
    }
}
