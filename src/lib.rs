//! Postern: the small gate of an organisation's mail.
pub mod audit;
pub mod base;
pub mod config;
pub mod mail;
pub mod net;
pub mod smtp;
pub mod store;
pub mod template;
