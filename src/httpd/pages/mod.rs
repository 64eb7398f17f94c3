//! The pages, one file each.

pub mod account;
pub mod activate;
pub mod admin;
pub mod advice;
pub mod dropoff;
pub mod files;
pub mod forgotten;
pub mod guests;
pub mod invitations;
pub mod invite;
pub mod join;
pub mod letter;
pub mod mailbox;
pub mod received;
pub mod renewal;
#[cfg(feature = "saml")]
pub mod saml;
pub mod sent;
pub mod sign_in;
pub mod verify;
