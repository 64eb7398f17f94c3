//! Reading a password: typed without echo at a terminal, else the first line of the input or a file.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use rustix::termios::{self, LocalModes, OptionalActions};
use zeroize::Zeroizing;

use crate::base::secret::Secret;

/// Octets of a line with a password: 256 characters of UTF-8, and the line's end.
const LINE_MAX: u64 = 1026;

/// Reads a password from `file`, else from standard input.
pub fn password(file: Option<&Path>) -> anyhow::Result<Secret> {
    let line = match file {
        Some(file) => {
            let opened = std::fs::File::open(file).with_context(|| file.display().to_string())?;
            first_line(io::BufReader::new(opened))
        }
        None if io::stdin().is_terminal() => typed_twice(),
        None => first_line(io::stdin().lock()),
    }
    .context("reading the password")?;
    if line.is_empty() {
        bail!("the password is empty; please type one, or hand one in with --password-file");
    }
    Ok(Secret::new(line.as_str()))
}

fn first_line(input: impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    input.take(LINE_MAX).read_line(&mut line)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A slip that nobody sees would lock its owner out.
fn typed_twice() -> io::Result<Zeroizing<String>> {
    let first = typed("Password: ")?;
    if !first.is_empty() && *first != *typed("The same again: ")? {
        return Err(io::Error::other("the two are not the same; nothing has been changed"));
    }
    Ok(first)
}

/// Switches the echo off while the password is typed, and on again however that ends.
fn typed(question: &str) -> io::Result<Zeroizing<String>> {
    struct Echo(termios::Termios);
    impl Drop for Echo {
        fn drop(&mut self) {
            // Nothing can be done about a terminal that went away.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
            let _ = writeln!(io::stderr());
        }
    }

    write!(io::stderr(), "{question}")?;
    let before = termios::tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    let _echo = Echo(before);
    termios::tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
    first_line(io::stdin().lock())
}
