//! The pages, one file each.

pub mod activate;
pub mod dropoff;
pub mod files;
pub mod letter;
pub mod mailbox;
pub mod sign_in;
