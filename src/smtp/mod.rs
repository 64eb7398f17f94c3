//! The words of SMTP, in both directions: what a client says and what a server answers.
//!
//! `smtpd` and `delivery` speak this language; nothing here does I/O, waits or logs. What is read is bounded,
//! never repaired, and cannot be wrong afterwards; what is printed and read again is the same value.
//!
//! | RFC | what | where |
//! |---|---|---|
//! | 5321 | commands, replies, paths, transparency of DATA | [`command`], [`reply`], [`line`], [`data`] |
//! | 3463, 2034 | enhanced status codes | [`reply`] |
//! | 1870 | SIZE | [`parameter`], [`extension`] |
//! | 6152 | 8BITMIME | [`parameter`], [`extension`] |
//! | 6531, 6533 | SMTPUTF8, `utf-8;` in ORCPT | [`parameter`], [`extension`] |
//! | 3461 | DSN: RET, ENVID, NOTIFY, ORCPT | [`parameter`], [`extension`] |
//! | 3030 | CHUNKING: BDAT (not BINARYMIME) | [`command`], [`data`] |
//! | 2920 | PIPELINING | [`extension`] |
//! | 3207 | STARTTLS | [`command`], [`extension`] |
//! | 4954, 4616 | AUTH, PLAIN; LOGIN as the clients in use speak it | [`command`], [`sasl`] |
//!
//! Where we differ, and why:
//! - **Spaces behind `FROM:` and `TO:` are forgiven** (RFC 5321 §3.3 forbids them): printers and scripts
//!   write them, and there is only one way to read them.
//! - **A CR in front of CRLF spoils the line end.** RFC 5321 §2.3.8 leaves `CR CR LF . CR LF` open; servers
//!   that take it for the end of the data can be made to see a second message where others see one.
//! - **A source route is checked and dropped** (RFC 5321 §4.1.1.3 and appendix C: accept, SHOULD ignore).
//! - **The name in EHLO is not looked up** (RFC 5321 §4.1.4 forbids to refuse for it); it must be made of the
//!   characters of a host name or an address literal, and an underscore is let through.
//! - **The AUTH parameter of MAIL is read and taken as `<>`**, as RFC 4954 §5 says of clients that are not
//!   trusted with it.

pub mod command;
pub mod data;
pub mod extension;
pub mod line;
pub mod parameter;
pub mod reply;
pub mod sasl;
