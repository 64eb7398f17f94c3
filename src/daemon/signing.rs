//! The DKIM keys that `[[dkim]]` names, read from their files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::config::{Dkim, Fault, Faults, Settings};
use crate::mail::dkim::Signer;
use crate::mail::dkim::key::Key;

/// Octets of a key file that are read; an RSA key of 8192 bits has 6.3 KiB.
const KEY_FILE_OCTETS: usize = 64 * 1024;
/// How long servers behind us may keep a mail that we have given away, with its signature still valid: they too should
/// try for four to five days (RFC 5321 §4.5.4.1).
const BEHIND_US: Duration = Duration::from_hours(7 * 24);

/// What signs by all keys.
///
/// # Errors
/// [`Faults`]: every key that cannot be used.
pub fn signer(settings: &Settings) -> Result<Signer, Faults> {
    let (mut keys, mut faults) = (Vec::new(), Vec::new());
    for section in &settings.dkim {
        match key(section) {
            Ok(key) => keys.push(key),
            Err(fault) => faults.push(fault),
        }
    }
    let lifetime = settings.relay.give_up_after + BEHIND_US;
    if faults.is_empty() { Ok(Signer::new(keys, lifetime)) } else { Err(Faults(faults)) }
}

/// Reads one key.
///
/// # Errors
/// What is wrong with the file, and what to do.
pub fn key(section: &Dkim) -> Result<Key, Fault> {
    let fault = |problem: String, remedy: &str| Fault {
        key: "dkim.key_file".to_owned(),
        problem: format!("{}: {problem}", section.key_file.display()),
        remedy: remedy.to_owned(),
    };
    let text = text(&section.key_file).map_err(|error| {
        fault(
            format!("it cannot be read ({error})"),
            "Name a file that is there, and that Postern's user may read.",
        )
    })?;
    Key::from_pem(section.domain.clone(), section.selector.clone(), &text).map_err(|error| {
        fault(
            error.to_string(),
            "Make a key: openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out FILE",
        )
    })
}

/// The file, wiped from memory after use; it does not grow while it is read, so that no copy is left behind.
fn text(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(KEY_FILE_OCTETS));
    File::open(path)?.take(KEY_FILE_OCTETS as u64).read_to_end(&mut text)?;
    Ok(text)
}
