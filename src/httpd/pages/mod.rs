//! The pages, one file each.

pub mod account;
pub mod activate;
pub mod dropoff;
pub mod files;
pub mod forgotten;
pub mod letter;
pub mod mailbox;
pub mod received;
pub mod renewal;
pub mod sent;
pub mod sign_in;
pub mod verify;
