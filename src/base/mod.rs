//! Values that every floor above speaks: addresses, identifiers, secrets and time.
//!
//! Each is parsed once, at the edge, and cannot be wrong afterwards. Nothing here does I/O.

pub mod address;
pub mod base32;
pub mod clock;
pub mod id;
pub mod mailbox;
pub mod secret;
