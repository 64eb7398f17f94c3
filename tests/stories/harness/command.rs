//! The program itself, run as an admin does.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a command answered.
#[derive(Debug)]
pub struct Said {
    pub succeeded: bool,
    pub out: String,
    pub err: String,
}

/// Runs `postern WORDS --config CONFIG`, types `input`, and waits for the end.
pub async fn postern(config: &Path, words: &[&str], input: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(words).args([OsStr::new("--config"), config.as_os_str()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    // The daemon it may want to speak with lives in this process.
    let ran = tokio::task::spawn_blocking(move || run(command, &input));
    let Output { status, stdout, stderr } = ran.await.unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Said { succeeded: status.success(), out: text(stdout), err: text(stderr) }
}

fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    // A command that asks nothing may have closed its input already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

impl Said {
    /// All went well, with these words.
    pub fn assert_done(&self, words: &str) {
        assert!(self.succeeded, "{self:?}");
        assert_eq!((self.out.as_str(), self.err.as_str()), (words, ""));
    }

    /// Nothing was done, for this reason.
    pub fn assert_refused(&self, reason: &str) {
        assert!(!self.succeeded, "{self:?}");
        assert_eq!((self.out.as_str(), self.err.trim_end()), ("", format!("postern: {reason}").as_str()));
    }
}
