//! The real program, started, killed, and started again on what it left.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

/// How long a start may take, a recovery included.
const START_TIME: Duration = Duration::from_mins(1);

/// How long a stop may take.
const STOP_TIME: Duration = Duration::from_mins(1);

/// How the plug is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The process dies; the system lives and writes what it was handed.
    Kill,
    /// The machine dies: only what was synced is there afterwards.
    Power,
}

/// Where the gateway keeps its state from one life to the next.
pub struct Home {
    cut: Cut,
    directory: TempDir,
}

/// One life of the gateway.
pub struct Gateway {
    child: Child,
    pub facts: Facts,
}

/// What `postern demo --json` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Facts {
    pub submissions: SocketAddr,
    pub user: String,
    pub password: String,
    pub invite: String,
    pub ca: PathBuf,
}

impl Home {
    pub fn new(cut: Cut) -> Self {
        let home = Self { cut, directory: tempfile::tempdir().unwrap() };
        fs::create_dir(home.state()).unwrap();
        if cut == Cut::Power {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/shim.c");
            let built = Command::new("cc")
                .args(["-O2", "-shared", "-fPIC", "-o"])
                .arg(home.shim())
                .arg(source)
                .arg("-ldl")
                .status()
                .expect("a C compiler");
            assert!(built.success());
        }
        home
    }

    /// After a power cut: throws away what was not synced.
    pub fn restore(&self) {
        if self.cut == Cut::Kill {
            return;
        }
        // The demo's own papers are not mail; they are there before the first mail is.
        for paper in ["ca.pem", "certificate.pem", "key.pem", "password"] {
            fs::copy(self.state().join(paper), self.shadow().join(paper)).unwrap();
        }
        fs::remove_dir_all(self.state()).unwrap();
        copy_tree(&self.shadow(), &self.state());
    }

    /// The end of what the gateway wrote to standard error.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn shadow(&self) -> PathBuf {
        self.directory.path().join("shadow")
    }

    fn shim(&self) -> PathBuf {
        self.directory.path().join("shim.so")
    }
}

impl Gateway {
    pub async fn start(home: &Home, hop: SocketAddr) -> Self {
        let log = File::options().create(true).append(true).open(home.directory.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command.arg("demo").arg("--json").arg("--smarthost").arg(hop.to_string());
        command.arg("--keep").arg(home.state()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        if home.cut == Cut::Power {
            command.env("LD_PRELOAD", home.shim()).env("DBROOT", home.state()).env("SHADOW", home.shadow());
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let first = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            lines.read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(START_TIME, first).await;
        let line = line.expect("a start in time").unwrap().unwrap();
        let facts =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no start: {line}\n{}", home.log()));
        Self { child, facts }
    }

    /// `kill -9`. Gives the moment.
    pub fn pull_the_plug(mut self) -> Instant {
        let at = Instant::now();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        at
    }

    /// SIGTERM, and waits for a clean end.
    pub async fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.child.wait());
        let status = tokio::time::timeout(STOP_TIME, ended).await.expect("a stop in time").unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
