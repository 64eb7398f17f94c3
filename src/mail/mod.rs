//! Bytes of a mail: what stands in it, and what a copy has instead. No I/O.
//!
//! A message is scanned once, as it arrives ([`outline`]); [`message`] reads its header. What changes for a recipient is
//! said as [`edit`]s on the sender's octets ([`rewrite`], [`trace`]), never as a new message. New mails, in the gateway's
//! own name, are written by [`compose`]. What leaves is signed by [`dkim`], and converted by [`seven_bit`] for servers of
//! the old days. [`attachments`] names the files in a mail, [`answer`] and [`returned`] read what people and mail systems
//! answer. [`field`], [`parameters`] and [`content`] read the lines of a header.

pub mod answer;
pub mod attachments;
pub mod complete;
pub mod compose;
pub mod content;
pub mod dkim;
pub mod edit;
pub mod field;
pub mod message;
pub mod outline;
pub mod parameters;
pub mod returned;
pub mod rewrite;
pub mod seven_bit;
pub mod trace;
