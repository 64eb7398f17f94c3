//! Removes files aside: to unlink a large one takes milliseconds, which a thread that carries mail does not have.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

/// The removing thread. It ends when this is dropped and all is removed.
#[derive(Debug)]
pub struct Reaper(mpsc::Sender<Order>);

enum Order {
    Remove(PathBuf),
    /// Answer when all before it is done.
    Report(mpsc::SyncSender<()>),
}

impl Reaper {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start() -> io::Result<Self> {
        let (orders, received) = mpsc::channel();
        thread::Builder::new().name("postern-reaper".to_owned()).spawn(move || {
            for order in received {
                match order {
                    Order::Remove(path) => remove(&path),
                    Order::Report(done) => drop(done.send(())),
                }
            }
        })?;
        Ok(Self(orders))
    }

    /// Has a file removed soon. One that is not there is gone already.
    pub fn remove(&self, path: PathBuf) {
        // The thread ends only after this has been dropped.
        let _ = self.0.send(Order::Remove(path));
    }

    /// Waits until all that was asked for is removed.
    pub fn wait(&self) {
        let (done, finished) = mpsc::sync_channel(1);
        if self.0.send(Order::Report(done)).is_ok() {
            let _ = finished.recv();
        }
    }
}

/// What cannot be removed now is swept at the next start.
fn remove(path: &PathBuf) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(file = %path.display(), %error, "a file of the spool could not be removed");
    }
}
