//! Values that every floor above speaks: addresses, names of files, identifiers, secrets and time.
//!
//! Each is parsed once, at the edge, and cannot be wrong afterwards. Nothing here does I/O.

pub mod address;
pub mod base32;
pub mod clock;
pub mod filename;
pub mod id;
pub mod language;
pub mod mailbox;
pub mod phrase;
pub mod secret;
pub mod size;
