//! Postern before real directories: an OpenLDAP server, and a Samba domain controller as an Active Directory.
//!
//! `cargo test --test directory -- --nocapture` starts them itself, on loopback, and says plainly what it skips where a
//! program is not installed (`tests/services/install.sh` installs them) or the user may not start it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

#[allow(dead_code, reason = "the stories use the rest")]
#[path = "../stories/harness/mod.rs"]
mod harness;

mod active_directory;
mod cases;
mod check;
mod load;
mod openldap;
mod samba;
mod service;
mod slapd;
