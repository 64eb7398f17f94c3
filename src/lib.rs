//! Postern: the small gate of an organisation's mail.
pub mod base;
pub mod smtp;
