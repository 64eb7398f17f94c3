//! The network: sockets, TLS, DNS, and the order in which work stops.
//!
//! Nothing here knows a mail command or a page. A face takes an [`listener::Arrival`], speaks its protocol over a
//! [`stream::Stream`] inside a task of the [`lifecycle::Lifecycle`], and ends when that is told to stop.
//!
//! What it promises: every handshake and every DNS question ends within the time it was given; every count and every
//! list has a bound; a TLS connection is 1.2 or later, by rustls with one provider (aws-lc-rs).

pub mod lifecycle;
pub mod listener;
pub mod proxy;
pub mod resolver;
pub mod stream;
pub mod throttle;
pub mod tls;
