//! Postern: the small gate of an organisation's mail.
//!
//! A staff member writes an ordinary mail to somebody outside, with an invite address among the recipients. Postern
//! takes it by SMTP, gives each person outside a copy of that very mail with the organisation's words and a link of
//! their own, and relays it. The link opens an account, and with the account files go back to the inviter.
//!
//! This page is the tour. Each module's own page says what it promises and which standards it follows.
//!
//! # The house
//!
//! ```text
//! 9  cli                                                    commands
//! 8  daemon                                                 assembly
//! 7  smtpd · httpd · control                                faces: speak a protocol, know nothing else
//! 6  intake · delivery · registration · dropoff             flows: one verb each; only they span books
//!    upkeep · sponsoring · roster · janitor
//! 5  tending                                                a flow too, which others use: inviters command it by mail
//! 4  notices · auth                                         shared by the flows
//! 3  accounts · invites · packages · queue · switches       books: own their tables and their life cycles
//! 2  store · net · audit                                    machine: disk, network, journal
//! 1  smtp · mail · template · config                        languages: pure functions between bytes and values
//! 0  base                                                   values: Address, Mailbox, Id, Secret, Token, Clock
//! ```
//!
//! A module uses only modules on lower floors: never sideways, never up. A test reads the source and proves it.
//!
//! # The way of a message
//!
//! [`net::listener`] accepts a connection and [`smtpd`] speaks with it. The octets of a message go into the
//! [`store::spool`] while [`mail::outline`] notes their structure, in one pass. [`intake::Intake::accept`] sorts it:
//! ordinary mail goes on as it came; for an invitation, [`mail::rewrite`] makes a set of edits for each invitee, and
//! [`mail::dkim`] signs the copy that they make.
//! Invitations, envelopes and bodies are committed in one [`store::Batch`]; only then does the client read `250`.
//! [`delivery`] claims what is due in the [`queue`], hands it to a [`delivery::courier::Courier`] and settles it:
//! delivered, put off, or reported to the sender. The same commit moves the invitation on ([`invites`]). A bounce that comes
//! back to an address of ours, or an inviter's answer of one word to a receipt or a notice, enters by the same door and
//! ends in [`tending`].
//!
//! # The way of a click
//!
//! [`httpd`] shows who invites whom. Only the posted form changes anything: [`registration`] closes the invitation,
//! opens the account ([`accounts`]), starts a session and queues the [`notices`], all in one commit. Behind the page of
//! an expired link stands [`tending`]: a fresh link, or the question to the inviter. What people do about their own
//! accounts afterwards, a forgotten password first of all, is [`upkeep`]; what a staff member does about the guests whom
//! he or she has invited, [`sponsoring`], and what becomes of these when that person has left.
//!
//! Staff are known by [`auth`]: with a password that is kept here, by the organisation's directory, or by an identity
//! provider. An invitation that is written on a page becomes a mail ([`intake::letters`]) and goes the way of a message.
//! Administrators change accounts by the [`roster`] and a few settings by the [`switches`], on a page or by a command;
//! commands reach the running daemon through [`control`]. What time ends, the [`janitor`] clears away. Mails and pages are in the reader's language ([`template`]).
//!
//! # The way of a file
//!
//! A guest [begins a drop-off](dropoff::Dropoff::begin) and uploads files into it. The octets go to [`store::blobs`], and
//! what is promised of them is on disk: an upload that breaks off goes on where it stood. Handed over, the package
//! ([`packages`]) waits for the virus scanner, if there is one; then its recipients have it, and a notice in the thread of
//! their invitation, in one commit. They pick files up one by one or as one archive, which is made while it is sent.
//!
//! # What holds always
//!
//! Each with the story in `tests/` that holds it.
//!
//! 1. `250` after DATA means: body, invitations and envelopes are on disk, in one commit. (`tests/crash`)
//! 2. Every accepted recipient ends exactly once: delivered, reported to the sender, or, where nobody is to be told
//!    (null sender, NOTIFY, a withdrawn invitation), in the audit log.
//!    (`a_refused_recipient_is_reported_to_the_sender`, `null_sender_never_bounces`)
//! 3. What is not an invitation leaves byte for byte as it came, with header fields added on top; a signature of our own
//!    that an added field breaks gives way to a new one, and 8-bit mail is converted where the next hop takes 7 bits only.
//!    (`ordinary_mail_arrives_byte_for_byte`, `mail_is_signed`, `a_hop_without_eight_bits`)
//! 4. No copy shows another invitee's link nor a Bcc address. (`bcc_stays_hidden`)
//! 5. Signed, encrypted and TNEF content is wrapped, never edited. (`every_corpus_message_keeps_its_shape`)
//! 6. A token stands in clear only in the mail; it works once, and not after its lifespan; GET and HEAD change
//!    nothing. (`activation_link_works_once`, `looking_changes_nothing`, `a_link_expires_after_fourteen_days`)
//! 7. A broken template never stops a mail. (`templates_change_without_restart`)
//! 8. No secret, token or unmasked outside address reaches a log. (`base::secret`, `audit`)
//! 9. Every loop, list, line, body, file and wait has a bound. (`limits_are_said_in_words`)
//! 10. A face reads no table; a book knows no protocol; the languages do no I/O. (`floors_hold`)
//! 11. Unknown user, wrong password and locked account look the same from outside. (`wrong_password_tells_nothing`)
//! 12. An invitation is for all of its invitees or for none: each is refused in words while the client listens.
//!     (`every_row_of_the_refusal_table`, `refusals_are_said_at_once`)
//! 13. An account of the organisation's directory never has a password here, and a directory that is silent is never a
//!     "no". (`auth::enrolment`, `tests/directory`)

pub mod accounts;
pub mod audit;
pub mod auth;
pub mod base;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod delivery;
pub mod dropoff;
pub mod httpd;
pub mod intake;
pub mod invites;
pub mod janitor;
pub mod mail;
pub mod net;
pub mod notices;
pub mod packages;
pub mod queue;
pub mod registration;
pub mod roster;
pub mod smtp;
pub mod smtpd;
pub mod sponsoring;
pub mod store;
pub mod switches;
pub mod template;
pub mod tending;
pub mod upkeep;
