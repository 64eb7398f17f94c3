//! A foreign server that runs for one test: found or not, started, waited for, stopped.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postern::config::{Directory, Settings};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_mins(1);

/// A process that ends with the test.
pub struct Service(Child);

impl Service {
    /// Starts a program that stays in the foreground, and waits until it listens on all of these.
    pub fn start(command: &mut Command, log: &Path, listens: &[SocketAddr]) -> Self {
        let out = fs::File::create(log).unwrap();
        // A group of its own, so that its children end with it.
        command.process_group(0).stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        let mut service = Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")));
        let begun = Instant::now();
        for address in listens {
            while TcpStream::connect(address).is_err() {
                let ended = service.0.try_wait().unwrap();
                let log = || fs::read_to_string(log).unwrap();
                assert!(ended.is_none(), "{command:?} ended: {}", log());
                assert!(begun.elapsed() < START_MAX, "{command:?} does not listen on {address}: {}", log());
                // A foreign process says nothing when it is ready: one has to look again.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.0);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}

/// A port that nobody has on this address, for a program that cannot be told to take any.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a program is, if it is installed.
pub fn installed(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    folders.map(|folder| Path::new(folder).join(name)).into_iter().find(|path| path.exists())
}

/// Whether these programs are there; says so where one is not.
pub fn all_installed(names: &[&str]) -> bool {
    let missing: Vec<_> = names.iter().filter(|name| installed(name).is_none()).collect();
    if !missing.is_empty() {
        eprintln!("skipped, because {missing:?} is not installed; see tests/services/install.sh");
    }
    missing.is_empty()
}

/// Runs a program to its end. Gives what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

/// A `[directory]` as an administrator writes it, read as the daemon reads it.
pub fn settings(folder: &Path, section: &str) -> Directory {
    let file = folder.join("directory.toml");
    let text = format!(
        "[server]\nhostname = \"postern.corp.example\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n\
         [organisation]\nname = \"Corp Example\"\ndomains = [\"corp.example\"]\n{section}"
    );
    fs::write(&file, text).unwrap();
    Settings::load(&file).unwrap_or_else(|faults| panic!("{faults}")).directory.unwrap()
}
