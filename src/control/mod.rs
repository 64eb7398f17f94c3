//! The administrator's way into a running daemon: JSON over HTTP on a Unix socket in the state directory.
//!
//! sled has one owner, so a command that changes state asks the daemon that holds it. Whoever may open the socket
//! (mode 0600, in a directory of the service's own user) is an administrator; there is no other sign-in.

pub mod api;
pub mod client;
pub mod invitations;
pub mod queue;
pub mod switches;

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixListener;

use crate::net::lifecycle::Lifecycle;

/// The socket's name in the state directory.
pub const SOCKET: &str = "control.sock";
/// How long one request may take: an argon2 hash and a commit, on a busy machine.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Connections at a time: administrators, by hand or by a script.
const CONNECTIONS_MAX: usize = 16;

/// How long to wait before a socket that gives no connection is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// A socket that is bound and not yet served.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Binds the socket in `directory`. One that a crash left behind is replaced; the store's lock has already
    /// proved that no other daemon lives there.
    ///
    /// # Errors
    /// The system's.
    pub fn bind(directory: &Path) -> io::Result<Self> {
        let path = directory.join(SOCKET);
        match std::fs::remove_file(&path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Serves these routes until the lifecycle stops, then removes the socket.
    pub async fn serve(self, router: Router, lifecycle: Lifecycle) {
        let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
        loop {
            let stream = tokio::select! {
                () = lifecycle.stopping() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    // Out of descriptors, most likely: connections that end give some back.
                    Err(fault) => {
                        tracing::warn!(%fault, "the control socket does not accept; trying again");
                        tokio::select! {
                            () = lifecycle.stopping() => break,
                            () = tokio::time::sleep(PAUSE) => continue,
                        }
                    }
                },
            };
            let Ok(place) = std::sync::Arc::clone(&places).try_acquire_owned() else { continue };
            let service = TowerToHyperService::new(router.clone());
            lifecycle.spawn("control", async move {
                let _place = place;
                let builder = auto::Builder::new(TokioExecutor::new());
                let served = builder.serve_connection(TokioIo::new(stream), service);
                if let Ok(Err(fault)) = tokio::time::timeout(REQUEST_TIME, served).await {
                    tracing::debug!(%fault, "a control connection ended early");
                }
            });
        }
        if let Err(fault) = std::fs::remove_file(&self.path) {
            tracing::warn!(%fault, "the control socket could not be removed");
        }
    }
}

#[cfg(test)]
mod tests;
