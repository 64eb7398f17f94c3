//! The pages, one file each.

pub mod activate;
pub mod dropoff;
pub mod files;
pub mod letter;
pub mod mailbox;
pub mod renewal;
#[cfg(feature = "saml")]
pub mod saml;
pub mod sign_in;
