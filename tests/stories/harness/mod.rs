//! What stories are told with: a mail client, a next hop, a browser, and the house they all meet in.

pub mod authority;
pub mod browser;
#[allow(dead_code, reason = "pulling the plug needs more of it than the stories do")]
pub mod client;
pub mod command;
pub mod desk;
pub mod furniture;
#[allow(dead_code, reason = "pulling the plug needs more of it than the stories do")]
pub mod hop;
pub mod house;
pub mod letter;
pub mod people;
pub mod reading;
pub mod signing;
pub mod verifier;
pub mod wire;
