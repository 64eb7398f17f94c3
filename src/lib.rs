//! Postern: the small gate of an organisation's mail.
pub mod accounts;
pub mod audit;
pub mod auth;
pub mod base;
pub mod config;
pub mod delivery;
pub mod invites;
pub mod janitor;
pub mod mail;
pub mod net;
pub mod notices;
pub mod queue;
pub mod registration;
pub mod roster;
pub mod smtp;
pub mod store;
pub mod template;
