//! The socket, spoken to as the command line and as strangers would.

use std::sync::Arc;

use http::Method;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::*;
use crate::accounts::Accounts;
use crate::auth::password::Passwords;
use crate::base::clock::SystemClock;
use crate::config::Settings;
use crate::control::api::AccountLine;
use crate::control::client::{Client, ClientFault};
use crate::store::Store;

/// A control socket that is served, over an empty roster.
struct Served {
    directory: TempDir,
    lifecycle: Lifecycle,
}

impl Served {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // As after a crash: the socket is still there, and nobody behind it.
        drop(std::os::unix::net::UnixListener::bind(directory.path().join(SOCKET)).unwrap());
        let invite = "invite@corp.example".parse().unwrap();
        let web = "127.0.0.1:8443".parse().unwrap();
        let settings = Settings::in_directory(directory.path(), &[invite], web).unwrap();
        let (store, _spool) = Store::open(&settings.storage).unwrap();
        let accounts = Accounts::new(store.clone());
        let roster =
            Roster::new(store, accounts, Passwords::new(1), settings.organisation, Arc::new(SystemClock));
        let lifecycle = Lifecycle::new();
        let control = Control::bind(directory.path()).unwrap();
        lifecycle.spawn("control", control.serve(roster, lifecycle.clone()));
        Self { directory, lifecycle }
    }

    async fn client(&self) -> Client {
        Client::connect(self.directory.path()).await.unwrap().unwrap()
    }

    async fn stop(self) -> TempDir {
        self.lifecycle.stop();
        assert_eq!(self.lifecycle.finished(Duration::from_secs(10)).await, [""; 0]);
        self.directory
    }
}

#[tokio::test]
async fn a_socket_that_a_crash_left_is_replaced_and_a_stop_removes_it() {
    let served = Served::new();
    let listed: Vec<AccountLine> = served.client().await.ask(Method::GET, "/accounts", &()).await.unwrap();
    assert!(listed.is_empty());
    let directory = served.stop().await;
    assert!(Client::connect(directory.path()).await.unwrap().is_none());
    assert!(!directory.path().join(SOCKET).exists());
}

#[tokio::test]
async fn what_the_daemon_does_not_understand_is_said_to_be_so() {
    let served = Served::new();
    for (method, path) in [(Method::POST, "/accounts"), (Method::DELETE, "/accounts"), (Method::GET, "/mail")]
    {
        let fault = served.client().await.ask::<_, ()>(method, path, &"nonsense").await.unwrap_err();
        assert!(matches!(&fault, ClientFault::Broken(words) if words.contains("same version")), "{fault}");
    }
    served.stop().await;
}

#[tokio::test]
async fn noise_on_the_socket_harms_nobody() {
    let served = Served::new();
    let mut noise = UnixStream::connect(served.directory.path().join(SOCKET)).await.unwrap();
    noise.write_all(b"\x00\xff\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    noise.read_to_end(&mut answer).await.unwrap();
    let _: Vec<AccountLine> = served.client().await.ask(Method::GET, "/accounts", &()).await.unwrap();
    served.stop().await;
}
